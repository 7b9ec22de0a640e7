"""Photographs for backgrounds, out of the scikit-image wheel: fetched once and checked.

Their licences by the docstrings of skimage.data in that wheel: coffee (Rachel Michetti), motorcycle (Middlebury stereo
data), brick, grass and gravel (textures): CC0. rocket (SpaceX): public domain.
"""

import hashlib
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.paths import CACHE
from benchmarks.photographs import download_wheel
from benchmarks.quality.files import whole
from layers.model.progress import Progress

_PACKAGE: Final = "scikit-image"
_MEMBERS: Final = {
    "brick.png": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "grass.png": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    "gravel.png": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    "motorcycle_left.png": "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
}


def background_photographs(progress: Progress) -> dict[str, Path]:
    """Files by name without suffix; downloaded when they are not there. Raises BenchmarkError."""
    folder = CACHE / "quality" / "photographs"
    paths = {Path(member).stem: folder / member for member in _MEMBERS}
    if all(path.is_file() for path in paths.values()):
        return paths
    progress(f"downloading 14 MB from PyPI ({_PACKAGE}, for {len(_MEMBERS)} of its photographs)")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch, zipfile.ZipFile(download_wheel(Path(scratch))) as archive:
        for member, sha256 in _MEMBERS.items():
            data = archive.read(f"skimage/data/{member}")
            if hashlib.sha256(data).hexdigest() != sha256:
                raise BenchmarkError(f"{_PACKAGE}: {member} has changed; figures would not compare")
            with whole(folder / member) as unfinished:
                unfinished.write_bytes(data)
    return paths
