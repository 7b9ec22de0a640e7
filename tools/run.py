"""`make run`: the model, the workers, the port, and only then the address.

    PORT=3000  MODEL=isnet-general-use  STATE_DIR=.local  AWS_LIMITS=1      python -m tools.run

Exit status: 0 stopped by a signal, 1 it could not be served, 2 the port or an option is to be changed.
"""

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.local_gateway.stop import StopRequest

if TYPE_CHECKING:
    from tools.local_gateway.options import Options

ROOT: Final = Path(__file__).resolve().parent.parent
FALLBACK_MODEL: Final = "u2net"
# The contract's own limits (CONTRACT.md, Large files) instead of the template's, which are AWS's; 0 is no limit.
CONTRACT_LIMITS: Final = {"MAX_UPLOAD_BYTES": "52428800", "MAX_RESPONSE_BYTES": "0"}

# The gateway writes a line a request; the functions' own lines would only repeat it.
QUIET: Final = {"POWERTOOLS_LOG_LEVEL": "WARNING"}


def main(root: Path = ROOT, prepare_command: Sequence[str] | None = None) -> int:
    """Serve until a signal comes. `root` holds template.yaml and what it names; both arguments are for tests."""
    stop = StopRequest()
    stop.install()  # before the imports below, which take a while
    from tools.local_gateway.listener import PortUnavailable, bind
    from tools.local_gateway.options import InvalidOption, read_options

    try:
        options = read_options(os.environ)
        with bind(options.port) as listener:
            return asyncio.run(_run(options, listener, stop, root, prepare_command))
    except (InvalidOption, PortUnavailable) as error:
        _complain(str(error))
        return 2
    finally:
        stop.ignore_signals()


async def _run(
    options: "Options", listener: socket.socket, stop: StopRequest, root: Path, prepare_command: Sequence[str] | None
) -> int:
    from tools.local_gateway import intrinsics, model, process, server, settings, template
    from tools.local_gateway.listener import unavailable

    stopping = stop.event()
    demo_env = root / options.state_dir / "demo.env"
    try:
        demo_env.parent.mkdir(parents=True, exist_ok=True)
        demo_env.unlink(missing_ok=True)  # an earlier run's: nothing answers there now
    except OSError as error:
        _complain(f"STATE_DIR cannot be written: {error}")
        return 2
    try:
        model_dir = await _prepared(options.model, root, stopping, prepare_command)
        overrides = {"MODEL_DIR": str(model_dir), "MODEL": model_dir.name} | QUIET
        if not options.aws_limits:
            overrides |= CONTRACT_LIMITS
        await server.serve(
            template.load_template(root / "template.yaml", overrides),
            root=root,
            settings=settings.Settings(limits=settings.AWS_LIMITS if options.aws_limits else settings.LOCAL_LIMITS),
            listener=listener,
            stop=stopping,
            on_ready=lambda: _announce(options, model_dir.name, demo_env),
        )
    except model.Stopped:
        return 0
    except model.UnknownModel:
        return 2
    except model.ModelFailed as error:
        _complain(f"the model {error} cannot be had, see above")
        return 1
    except intrinsics.TemplateError as error:
        _complain(f"template.yaml: {error}")
        return 1
    except process.InitFailed as error:
        _complain(f"a function could not be loaded: {error}")
        return 1
    except OSError as error:
        if error.errno == errno.EADDRINUSE:  # somebody opened the port while we prepared
            raise unavailable(options.port, error) from error
        _complain(str(error))
        return 1
    return 0


async def _prepared(name: str, root: Path, stopping: asyncio.Event, command: Sequence[str] | None) -> Path:
    """The folder of the model, or of the one that needs no npm where the default cannot be had."""
    from tools.local_gateway import model
    from tools.local_gateway.options import DEFAULT_MODEL

    try:
        return await model.prepare_model(name, root, stopping, command or model.PREPARE)
    except model.ModelFailed:
        if name != DEFAULT_MODEL:
            raise
        _complain(f"{name} cannot be had here (see above); serving {FALLBACK_MODEL} instead, which needs no npm")
        return await model.prepare_model(FALLBACK_MODEL, root, stopping, command or model.PREPARE)


def _announce(options: "Options", model_name: str, demo_env: Path) -> None:
    """The port answers: tell it to programs, whole or not at all, and to the person."""
    base_url = f"http://127.0.0.1:{options.port}"
    unfinished = demo_env.with_suffix(".unfinished")
    unfinished.write_text(f"BASE_URL={base_url}\n", encoding="utf-8")
    unfinished.replace(demo_env)
    _say(f"rmbg: serving {model_name} on {base_url}   (Ctrl-C stops)")
    _say(f"  curl -F image=@photo.jpg {base_url}/rmbg -o cutout.webp")
    if options.aws_limits:
        _say("rmbg: with AWS's limits: files up to about 4.5 MB; larger ones are refused as AWS refuses them")
    else:
        _say("rmbg: files up to 50 MB pass here; deployed, AWS takes about 4.5 MB (AWS_LIMITS=1 imitates it)")


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError:  # nobody reads: serve all the same, and let Python's last flush succeed
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _complain(line: str) -> None:
    with contextlib.suppress(OSError):
        print(f"rmbg: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
