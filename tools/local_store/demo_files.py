"""The files that tell programs where the running service is, and what they sign in with."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from tools.local_store import webhook_secret
from tools.local_store.files import write_private


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """The files that say where to go; only there while something answers."""

    state_dir: Path

    @property
    def demo(self) -> Path:
        return self.state_dir / "demo.env"

    @property
    def store(self) -> Path:
        return self.state_dir / "store.json"

    def remove(self) -> None:
        """Of an earlier run: nothing answers there now. Raises OSError."""
        self.demo.unlink(missing_ok=True)
        self.remove_store()

    def remove_store(self) -> None:
        """Raises OSError."""
        self.store.unlink(missing_ok=True)

    def remove_kept(self) -> None:
        """What the demo account and Stripe's secret keep between runs, if they keep anything. Raises OSError."""
        from tools.local_store.demo import FILES

        for name in (*FILES, webhook_secret.FILE):
            (self.state_dir / name).unlink(missing_ok=True)

    def write_demo(self, base_url: str, **variables: str) -> None:
        """Variables that a shell can read with `.`; BASE_URL comes first. Raises OSError."""
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in {"BASE_URL": base_url, **variables}.items())
        write_private(self.demo, "".join(lines))
