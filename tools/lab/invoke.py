"""`make invoke EVENT=events/NAME.json`: `sam local invoke` of the function that the event is for, with tables.

    python -m tools.lab.invoke EVENT [options of `sam local invoke`]

The functions answer nothing but 503 without tables, so an emulator runs beside them, new and empty but for a demo
account, whose key takes the place of the sample one, and for what the events speak of: a job, a picture in a bucket.
Objects that come of an event are told on standard error. The stack must have been built.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.lab.commands import ROOT, CommandFailed, side_venv
from tools.lab.engine import NoEngine, container_engine
from tools.lab.samples import described, made, prepare, with_names
from tools.lab.store import container_store
from tools.local_store.errors import LocalStoreError
from tools.make_events import function_of

_BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"


def main(arguments: list[str]) -> int:
    """The exit status of `sam local invoke`; 1 where it could not be reached, 2 for wrong arguments."""
    match arguments:
        case [path, *options] if path:
            pass
        case _:
            print("usage: make invoke EVENT=events/rmbg_multipart.json", file=sys.stderr)
            return 2
    try:
        text = Path(path).read_text(encoding="utf-8")
        function = function_of(json.loads(text))
    except (OSError, ValueError, KeyError) as error:
        print(f"rmbg: {path} is no event of this API: {error}", file=sys.stderr)
        return 2
    if not _BUILT.is_file():
        print("rmbg: nothing is built yet, run: make build", file=sys.stderr)
        return 1
    try:
        return _invoke(function, text, options)
    except (NoEngine, CommandFailed, LocalStoreError) as error:
        print(f"rmbg: {error}", file=sys.stderr)
        return 1


def _invoke(function: str, event: str, options: list[str]) -> int:
    with (
        container_engine() as engine,
        container_store(engine) as store,
        tempfile.TemporaryDirectory(prefix="rmbg-invoke-") as folder,
    ):
        event_file, variables = Path(folder) / "event.json", Path(folder) / "variables.json"
        prepare(store)
        event_file.write_text(with_names(event, store), encoding="utf-8")
        variables.write_text(json.dumps({"Parameters": store.functions}), encoding="utf-8")
        command = [str(side_venv("sam") / "sam"), "local", "invoke", function, "--event", str(event_file)]
        environment = {**os.environ, **engine, **store.credentials, "SAM_CLI_TELEMETRY": "0"}
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):  # a person's own would win
            environment.pop(name, None)
        status = subprocess.run(
            [*command, "--env-vars", str(variables), *options], cwd=ROOT, env=environment, check=False
        ).returncode
        print(described(made(store)), end="", file=sys.stderr)
        return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
