"""The benchmark of the largest pictures: its cases, its pictures and its verdicts, without running it."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import BenchmarkError
from benchmarks.large import pictures
from benchmarks.large.cases import CASES, chosen
from benchmarks.large.measure import Figures, figures
from benchmarks.large.pictures import MAKERS, ensure_pictures
from benchmarks.large.table import TARGET_BYTES, TARGET_SECONDS, meets, row, table
from functions.background_removal.imaging.decode import decode
from functions.background_removal.imaging.inspect import inspect
from rmbg.domain.options import parse_options
from tests.support.pictures import disc

FIGURES = Figures("a.jpg w=1", 200, TARGET_SECONDS, 3.0, TARGET_BYTES, 5, 6, "decode;dur=1")


def test_every_case_has_a_picture_and_options_that_are_valid() -> None:
    assert {case.picture for case in CASES} <= MAKERS.keys()
    assert all(parse_options(case.fields)[1] == [] for case in CASES)
    assert len({case.title for case in CASES}) == len(CASES)


def test_cases_are_chosen_by_their_title() -> None:
    assert chosen([]) == CASES
    assert {case.title for case in chosen(["flat", "w=800"])} == {"flat.png", "detailed.jpg w=800", "rgba.png w=800"}
    assert chosen(["no such thing"]) == ()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The pictures, smaller: made from this file."""
    monkeypatch.setattr(pictures, "SIDE_PX", 80)
    monkeypatch.setattr(pictures, "_BMP_SIDE_PX", 48)
    monkeypatch.setattr(pictures, "_TILE_PX", 32)
    path = tmp_path / "original.png"
    disc(64, 64).save(path)
    return path


@pytest.mark.parametrize("name", sorted(MAKERS.keys() - {"portrait.jpg"}))
def test_the_service_takes_every_picture(name: str, small: Path, tmp_path: Path) -> None:
    path = ensure_pictures({name}, small, tmp_path / "made", lambda _: None)[name]
    data = path.read_bytes()
    picture = decode(data, inspect(data))
    assert picture.size in {(80, 80), (48, 48)}
    assert (picture.alpha is not None) == name.startswith(("rgba", "transparent", "alpha"))
    assert (inspect(data).orientation == 6) == ("orientation-6" in name)


def test_a_run_length_encoded_picture_is_the_right_way_up(small: Path, tmp_path: Path) -> None:
    data = ensure_pictures({"runs.bmp"}, small, tmp_path, lambda _: None)["runs.bmp"].read_bytes()
    with Image.open(small) as original:
        expected = np.asarray(original.convert("RGB").resize((10, 10)).resize((80, 80), Image.Resampling.NEAREST))
    made = np.asarray(decode(data, inspect(data)).rgb)
    assert np.abs(made.astype(int) - expected).mean() < 12


def test_pictures_are_made_once(small: Path, tmp_path: Path) -> None:
    said: list[str] = []
    ensure_pictures({"flat.png"}, small, tmp_path, said.append)
    ensure_pictures({"flat.png"}, small, tmp_path, said.append)
    assert said == ["making flat.png"]


def test_a_picture_that_could_not_be_uploaded_is_not_made(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_FILE_BYTES", 10)
    with pytest.raises(BenchmarkError, match=r"flat\.png"):
        ensure_pictures({"flat.png"}, small, tmp_path, lambda _: None)
    assert not (tmp_path / "flat.png").exists()


def test_what_a_child_tells() -> None:
    answer = {"seconds": 2.0, "cpu_seconds": 3.0, "peak_bytes": 4, "status": 503, "size_bytes": 5, "server_timing": "x"}
    told = figures("a", 0, [{"ready": True, "peak_bytes": 1}, answer], "")
    assert told == Figures("a", 503, 2.0, 3.0, 4, 1, 5, "x")
    with pytest.raises(BenchmarkError, match="out of memory"):
        figures("a", 0, [answer], "out of memory")
    with pytest.raises(BenchmarkError, match="status -9"):
        figures("a", -9, [], "out of memory")


def test_verdicts() -> None:
    assert meets(FIGURES)
    for missed in ({"status": 500}, {"seconds": TARGET_SECONDS + 0.1}, {"peak_bytes": TARGET_BYTES + 1}):
        assert not meets(replace(FIGURES, **missed))
    assert "NOT MET" not in row(FIGURES)
    assert "NOT MET" in row(replace(FIGURES, seconds=99))
    assert "answered 500" in row(replace(FIGURES, status=500))
    assert table([FIGURES, replace(FIGURES, seconds=99)]).endswith("1 of 2 within 1500 MB and 20 s")


def test_a_flat_picture_is_a_bomb() -> None:
    data = MAKERS["flat.png"](disc(8, 8))
    assert len(data) < 400_000
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (10_000, 10_000)
