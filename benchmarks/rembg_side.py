"""Everything that rembg needs: a virtual environment of its own, and the weights where it looks for them."""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.paths import CACHE, LOCK_FILE, MODELS
from layers.model.command import CommandError, run
from layers.model.errors import ModelError
from layers.model.manifest import load_manifest
from layers.model.prepare import save_plain
from layers.model.progress import Progress, folder_bytes, heartbeat, megabytes
from layers.model.ready import fetch_weights

_VENV_DOWNLOAD_MEGABYTES: Final = 160
_VENV_DISK_MEGABYTES: Final = 610
_FOLDER: Final = CACHE / "venv"


def environment(progress: Progress) -> Path:
    """The Python of an environment with exactly requirements/bench.txt, made when absent or stale.

    It carries a mark only while it is whole: interrupted, the next run starts anew. Raises BenchmarkError.
    """
    folder, python, mark, stamp = _FOLDER, _FOLDER / "bin" / "python", _FOLDER / ".whole", _stamp()
    if is_installed():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    progress(f"rembg: downloading {_VENV_DOWNLOAD_MEGABYTES} MB from PyPI ({_VENV_DISK_MEGABYTES} MB on disk)")
    pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
    try:
        with heartbeat(progress, lambda: f"rembg: installing, {megabytes(folder_bytes(folder))} so far", 5.0):
            run([sys.executable, "-m", "venv", str(folder)], folder.parent)
            run([*pip, "--only-binary=:all:", "--require-hashes", "-r", str(LOCK_FILE)], folder.parent)
    except CommandError as error:
        raise BenchmarkError(f"rembg could not be installed; check the network and run it again\n{error}") from error
    compile_code(python, progress)
    mark.write_text(stamp, "ascii")
    return python


def is_installed() -> bool:
    """Whether `environment` has nothing to do."""
    mark = _FOLDER / ".whole"
    return mark.is_file() and mark.read_text("ascii") == _stamp()


def compile_code(python: Path, progress: Progress) -> None:
    """Import rembg once, so that no figure holds what numba compiles at the first import."""
    with heartbeat(progress, lambda: "rembg: its first import compiles code, up to a minute", 10.0):
        try:
            run([str(python), "-c", "import rembg"], CACHE)
        except CommandError as error:
            raise BenchmarkError(f"rembg does not start\n{error}") from error


def weights(model: str, progress: Progress) -> Path:
    """The folder to name in U2NET_HOME: it holds `<model>.onnx`, fp32, of the same source as ours.

    With the one output that is used: the published graph has more, which would cost rembg 8 % of the inference and
    200 MB. Raises BenchmarkError.
    """
    folder = CACHE / "weights"
    target = folder / f"{model}.onnx"
    if target.is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    entry = load_manifest().named(model)
    try:
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            published, plain = Path(scratch) / "weights", Path(scratch) / "plain.onnx"
            fetch_weights(entry, published, MODELS, progress)
            progress(f"rembg: preparing {model} (fp32)")
            save_plain(entry, published, plain)
            plain.replace(target)
    except ModelError as error:
        raise BenchmarkError(f"the weights for rembg cannot be had: {error}") from error
    return folder


def _stamp() -> str:
    return hashlib.sha256(LOCK_FILE.read_bytes() + sys.version.encode()).hexdigest()
