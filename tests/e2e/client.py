"""One call of the real JavaScript client, in a process of its own."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class JavaScriptClient:
    """The client in `folder`, sent to `base_url` in place of the address that it has built in."""

    node: list[str]
    folder: Path
    base_url: str

    def call(self, path: Path, key: str, source: str = "path", **options: Any) -> dict[str, Any]:
        """What came of it; see call.mjs."""
        request = {"apiKey": key, "input": source, "path": str(path), "options": options}
        result = subprocess.run(
            [*self.node, "--import", "./redirect.cjs", "call.mjs"],
            input=json.dumps(request).encode(),
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, "BASE_URL": self.base_url},
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr.decode()
        outcome: dict[str, Any] = json.loads(result.stdout)
        return outcome
