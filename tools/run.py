"""`make run`: the model and the store, the workers, the port, and only then the address.

    PORT=3000  MODEL=isnet-general-use  STATE_DIR=.local  AWS_LIMITS=1  CATALOGUE=file   python -m tools.run [--fresh]

`--fresh` throws away the accounts and credits that earlier runs have kept in STATE_DIR.
Exit status: 0 stopped by a signal, 1 it could not be served, 2 the port or an option is to be changed.
"""

import asyncio
import contextlib
import errno
import os
import shlex
import socket
import sys
import threading
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tools.local_gateway.stop import StopRequest

if TYPE_CHECKING:
    from tools.local_gateway.options import Options
    from tools.local_store.backend import Backend
    from tools.local_store.demo_files import DemoFiles
    from tools.local_store.emulator import Emulator
    from tools.local_store.state import LockedState

ROOT: Final = Path(__file__).resolve().parent.parent
FALLBACK_MODEL: Final = "u2net"
FRESH: Final = "--fresh"
# The contract's own limits (CONTRACT.md, Large files) instead of the template's, which are AWS's; 0 is no limit.
CONTRACT_LIMITS: Final = {"MAX_UPLOAD_BYTES": "52428800", "MAX_RESPONSE_BYTES": "0"}

# The gateway writes a line a request; the functions' own lines would only repeat it.
QUIET: Final = {"POWERTOOLS_LOG_LEVEL": "WARNING"}

_WATCH_SECONDS: Final = 0.1


def main(root: Path = ROOT, prepare_command: Sequence[str] | None = None, arguments: Sequence[str] = ()) -> int:
    """Serve until a signal comes. `root` holds template.yaml and what it names; it and the command are for tests."""
    if not set(arguments) <= {FRESH}:
        _complain(f"usage: python -m tools.run [{FRESH}]   (everything else is a variable: make run PORT=3001)")
        return 2
    stop = StopRequest()
    stop.install()  # before the imports below, which take a while
    from tools.local_gateway.listener import PortUnavailable, bind
    from tools.local_gateway.options import InvalidOption, read_options
    from tools.local_store.errors import InvalidCatalogue, StateInUse, StateNotOurs

    try:
        options = read_options(os.environ)
        with bind(options.port) as listener:
            run = _Run(options, root, prepare_command, fresh=FRESH in arguments)
            return asyncio.run(run.until_stopped(listener, stop))
    except (InvalidOption, PortUnavailable, InvalidCatalogue, StateInUse, StateNotOurs) as error:
        _complain(str(error))
        return 2
    finally:
        stop.ignore_signals()


@dataclass(frozen=True)
class _Run:
    """One start, from the options to the end of everything that it has started."""

    options: "Options"
    root: Path
    prepare_command: Sequence[str] | None
    fresh: bool

    @property
    def state_dir(self) -> Path:
        return self.root / self.options.state_dir

    @property
    def template(self) -> Path:
        return self.root / "template.yaml"

    async def until_stopped(self, listener: socket.socket, stop: StopRequest) -> int:
        """The exit status. Raises InvalidOption, PortUnavailable, StateInUse and StateNotOurs, which are the user's."""
        from tools.local_gateway import intrinsics, model, process
        from tools.local_gateway.listener import unavailable
        from tools.local_store import errors

        stopping = stop.event()
        try:
            with ExitStack() as stack:  # left when the workers have ended; nothing else runs then, so it may block
                await self._serve(listener, stopping, stack)
        except (model.Stopped, errors.StartCancelled):
            return 0
        except model.UnknownModel:
            return 2
        except model.ModelFailed as error:
            _complain(f"the model {error} cannot be had, see above")
            return 1
        except (errors.EmulatorFailed, errors.StateUnreadable) as error:
            if stopping.is_set() and not isinstance(error, errors.EmulatorEnded):
                return 0  # Ctrl-C met a child before it had a session of its own
            _complain(str(error))
            return 1
        except intrinsics.TemplateError as error:
            _complain(f"template.yaml: {error}")
            return 1
        except process.InitFailed as error:
            _complain(f"a function could not be loaded: {error}")
            return 1
        except OSError as error:
            if error.errno == errno.EADDRINUSE:  # somebody opened the port while we prepared
                raise unavailable(self.options.port, error) from error
            _complain(str(error))
            return 1
        return 0

    async def _serve(self, listener: socket.socket, stopping: asyncio.Event, stack: ExitStack) -> None:
        from tools.local_gateway import server, settings, tasks, template
        from tools.local_store.demo_files import DemoFiles
        from tools.local_store.errors import EmulatorEnded

        files = DemoFiles(self.state_dir)
        state = await self._locked_state(files, stopping, stack)
        both: list[Coroutine[Any, Any, Any]] = [self._model(stopping), self._backend(state, stopping, stack)]
        model_dir: Path
        backend: Backend | None
        model_dir, backend = await tasks.all_or_none(both)
        overrides = {"MODEL_DIR": str(model_dir), "MODEL": model_dir.name} | QUIET
        if not self.options.aws_limits:
            overrides |= CONTRACT_LIMITS
        credentials: dict[str, str] = {}
        if backend:
            overrides |= backend.environment()
            credentials = backend.credentials()
            watching = asyncio.ensure_future(_unexpected_end(backend.emulator, stopping))
        await server.serve(
            template.load_template(self.template, overrides).with_variables(credentials),
            root=self.root,
            settings=settings.Settings(
                limits=settings.AWS_LIMITS if self.options.aws_limits else settings.LOCAL_LIMITS
            ),
            listener=listener,
            stop=stopping,
            on_ready=lambda: _announce(self.options, model_dir.name, files, backend),
            queues=backend.queues if backend else {},
        )
        if backend and await watching:
            raise EmulatorEnded(f"the store's emulator has ended, so nothing can be served; see {state.log}")

    async def _locked_state(self, files: "DemoFiles", stopping: asyncio.Event, stack: ExitStack) -> "LockedState":
        """The store's folder, ours alone; the files with an earlier run's addresses are gone. Raises InvalidOption."""
        from tools.local_gateway.options import InvalidOption
        from tools.local_store.state import locked

        try:
            lock = locked(self.state_dir / "store", cancelled=stopping.is_set)
            state = await asyncio.to_thread(stack.enter_context, lock)
            files.remove()
            stack.callback(files.remove)
            if self.fresh:
                state.clear()
                files.remove_kept()
        except OSError as error:
            raise InvalidOption(f"STATE_DIR cannot be written: {error}") from error
        return state

    async def _model(self, stopping: asyncio.Event) -> Path:
        """The folder of the model, or of the one that needs no npm where the default cannot be had."""
        from tools.local_gateway import model
        from tools.local_gateway.options import DEFAULT_MODEL

        name, command = self.options.model, self.prepare_command or model.PREPARE
        try:
            return await model.prepare_model(name, self.root, stopping, command)
        except model.ModelFailed:
            if name != DEFAULT_MODEL:
                raise
            _complain(f"{name} cannot be had here (see above); serving {FALLBACK_MODEL} instead, which needs no npm")
            return await model.prepare_model(FALLBACK_MODEL, self.root, stopping, command)

    async def _backend(self, state: "LockedState", stopping: asyncio.Event, stack: ExitStack) -> "Backend | None":
        """The store and the issuer, which end with the stack; None for a template without tables."""
        from tools.local_store.backend import running_backend
        from tools.local_store.tables import declared_tables

        if not declared_tables(self.template):
            return None
        abandoned = threading.Event()
        manager = running_backend(
            self.template,
            state,
            state_dir=self.state_dir,
            cancelled=lambda: stopping.is_set() or abandoned.is_set(),
        )
        entering = asyncio.ensure_future(asyncio.to_thread(stack.enter_context, manager))
        try:
            return await asyncio.shield(entering)
        finally:
            abandoned.set()  # cancelled, as the model cannot be had: a thread ends when it is asked to
            await asyncio.gather(entering, return_exceptions=True)


async def _unexpected_end(emulator: "Emulator", stopping: asyncio.Event) -> bool:
    """True, with `stopping` set, when the emulator ends before anybody wants to stop; False when somebody does."""
    while not stopping.is_set():
        if emulator.has_ended():
            stopping.set()
            return True
        await asyncio.sleep(_WATCH_SECONDS)
    return False


def _announce(options: "Options", model_name: str, files: "DemoFiles", backend: "Backend | None") -> None:
    """The port answers: tell it to programs, whole or not at all, and to the person."""
    base_url = f"http://127.0.0.1:{options.port}"
    if backend:
        backend.publish(files, base_url)
    else:
        files.write_demo(base_url)
    _say(f"rmbg: serving {model_name} on {base_url}   (Ctrl-C stops)")
    _say(f"  curl -F image=@photo.jpg {base_url}/rmbg -o cutout.webp")
    if backend:
        demo_env = shlex.quote(os.path.join(".", options.state_dir, "demo.env"))  # noqa: PTH118 - the shell wants the dot
        _say("rmbg: with the demo account's key, which pays with credits (its user token is in the same file):")
        _say(f'  . {demo_env}; curl -H "x-api-key: $API_KEY" -F image=@photo.jpg {base_url}/rmbg -o cutout.webp')
    if options.aws_limits:
        _say(
            "rmbg: with AWS's limits: files up to about 4.5 MB, larger ones by POST /jobs; large results by a redirect"
        )
    else:
        _say(
            "rmbg: files up to 50 MB pass here; deployed, those over 4.5 MB need POST /jobs (AWS_LIMITS=1 imitates it)"
        )


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError:  # nobody reads: serve all the same, and let Python's last flush succeed
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _complain(line: str) -> None:
    with contextlib.suppress(OSError):
        print(f"rmbg: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(arguments=sys.argv[1:]))
