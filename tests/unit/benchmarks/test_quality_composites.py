"""What the quality benchmark makes by itself is what it says it is."""

import io

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from benchmarks.errors import BenchmarkError
from benchmarks.quality.arrays import Bytes, composite
from benchmarks.quality.backgrounds import PAINTERS, background
from benchmarks.quality.canvas import Canvas
from benchmarks.quality.composites import recipes
from benchmarks.quality.files import whole
from benchmarks.quality.lemur import foreground_colors
from benchmarks.quality.mattes import GivenMattes
from benchmarks.quality.network import levelled, network_answering
from benchmarks.quality.options import parse_arguments
from benchmarks.quality.sample import Sample
from benchmarks.quality.scores import Score, Truth, figures, means
from benchmarks.quality.sheets import demanding_crop
from benchmarks.quality.sides import Refining, enlarge, named_function
from benchmarks.quality.subjects import SUBJECTS
from benchmarks.quality.table import group_tables


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_coverage_becomes_alpha_and_keeps_the_colour():
    canvas = Canvas(40, 40, seed=1)
    canvas.polygon([(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)], (200, 100, 50, 255))
    subject = canvas.subject()
    assert subject.alpha[20, 20] == 255
    assert subject.alpha[2, 2] == 0
    edge = (subject.alpha > 0) & (subject.alpha < 255)
    assert edge.any()
    assert np.abs(subject.colors[edge].astype(int) - (200, 100, 50)).max() <= 1


def test_half_transparent_paint_has_its_alpha():
    canvas = Canvas(20, 20, seed=1)
    canvas.disc((0.5, 0.5), (0.45, 0.45), (10, 20, 30, 60))
    assert canvas.subject().alpha[10, 10] == 60


@pytest.mark.parametrize("name", ["bicycle", "glass", "plant", "bottle"])
def test_a_subject_stands_free_and_is_the_same_every_time(name):
    first, second = (Canvas(160, 120, seed=5) for _ in range(2))
    for canvas in (first, second):
        SUBJECTS[name](canvas)
    one, other = first.subject(), second.subject()
    assert np.array_equal(one.alpha, other.alpha)
    assert np.array_equal(one.colors, other.colors)
    assert 0.02 < (one.alpha > 0).mean() < 0.6
    assert not one.alpha[:, [0, -1]].any()


@pytest.mark.parametrize("name", PAINTERS)
def test_backgrounds_have_the_size_and_are_the_same_every_time(name):
    one, other = (background(name, {}, 40, 30, seed=3) for _ in range(2))
    assert one.shape == (30, 40, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, other)


def test_every_composite_has_a_name_and_a_seed_of_its_own():
    made = recipes()
    assert len({recipe.name for recipe in made}) == len({recipe.seed for recipe in made}) == len(made) == 24


def test_the_foreground_estimated_from_a_picture_composites_to_it():
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (32, 1))
    front, behind = np.full((32, 64, 3), (180, 90, 60), np.uint8), np.full((32, 64, 3), (30, 120, 200), np.uint8)
    found = foreground_colors(composite(front, alpha, behind), alpha)
    soft = alpha > 40
    assert np.abs(found[soft].astype(int) - (180, 90, 60)).max() <= 3


def test_a_given_matte_is_the_truth_coarsened(tmp_path):
    alpha = np.zeros((100, 200), np.uint8)
    alpha[:, 100:] = 255
    path = tmp_path / "alpha.png"
    Image.fromarray(alpha).save(path)
    matte = GivenMattes(1024)(Sample("drawn", "half", path, path), b"")
    assert matte.shape == (1024, 1024)
    assert (matte[500, 100], matte[500, 900]) == (0, 255)
    assert 0 < matte[500, 511] < 255


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    target = tmp_path / "folder" / "file"

    def stop_halfway() -> None:
        with whole(target) as unfinished:
            unfinished.write_text("ha")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        stop_halfway()
    assert list(target.parent.iterdir()) == []
    with whole(target) as unfinished:
        unfinished.write_text("all")
        assert not target.exists()
    assert [path.read_text() for path in target.parent.iterdir()] == ["all"]


def test_raw_keeps_the_colours_and_enlarges_the_matte():
    colors = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    kept, alpha = enlarge(colors, np.array([[0, 255], [0, 255]], np.uint8))
    assert kept is colors
    assert alpha.shape == (4, 6)
    assert alpha[0].tolist() == sorted(alpha[0].tolist())


def test_inside_of_the_block_every_network_answers_with_the_matte():
    matte = np.arange(256, dtype=np.uint8).reshape(16, 16)
    with network_answering(matte):
        (output,) = onnxruntime.InferenceSession.run(object(), ["output"], {})
    assert output.shape == (1, 1, 16, 16)
    assert np.array_equal(np.rint(output[0, 0] * 255), matte)


def test_levels_clear_haze_and_make_the_subject_opaque():
    matte = np.array([[0, 4, 5, 128, 250, 251, 255]], np.uint8)
    assert levelled(matte).tolist() == [[0, 0, 1, 128, 254, 255, 255]]


def test_a_refinement_gets_the_picture_and_its_matte_and_gives_colours_and_alpha():
    def inverted(colors: Bytes, matte: Bytes) -> tuple[Bytes, Bytes]:
        assert matte.shape == (8, 8)
        return 255 - colors, np.full(colors.shape[:2], 77, np.uint8)

    found = Refining("inverted", inverted).cut_out(png(Image.new("RGB", (4, 3), (5, 6, 7))), np.zeros((8, 8), np.uint8))
    assert found.tolist() == np.full((3, 4, 4), (250, 249, 248, 77)).tolist()


def test_a_candidate_is_found_by_its_name():
    assert named_function("benchmarks.quality.sides:enlarge") is enlarge


@pytest.mark.parametrize(
    "name", ["benchmarks.quality.sides", "benchmarks.quality.sides:absent", "absent.module:f", ":"]
)
def test_a_candidate_that_is_not_there_ends_the_benchmark(name):
    with pytest.raises(BenchmarkError):
        named_function(name)


def test_rembg_is_left_out_where_mattes_are_given():
    assert parse_arguments([]).sides == ("raw", "ours", "rembg")
    assert parse_arguments(["--given-matte"]).sides == ("raw", "ours")
    assert parse_arguments(["--sides"]).sides == ()


def test_a_perfect_result_has_no_error():
    alpha = np.zeros((60, 60), np.uint8)
    alpha[20:40, 20:40] = 255
    alpha[20, 20:40] = 100
    colors = np.random.default_rng(1).integers(0, 256, (60, 60, 3), np.uint8)
    found = figures(np.dstack((colors, alpha)), Truth.of(alpha, colors))
    assert found.pop("iou") == 1
    assert set(found.values()) == {0.0}
    assert {"band", "zone", "sad", "gradient", "edge", "colour"} <= set(found)


def test_a_binary_truth_has_no_figures_of_softness_and_a_photograph_none_of_colour():
    alpha = np.zeros((20, 20), np.uint8)
    alpha[5:15, 5:15] = 255
    found = figures(np.zeros((20, 20, 4), np.uint8), Truth.of(alpha, None))
    assert set(found) == {"alpha", "iou", "band", "speckles", "holes"}


def test_without_a_subject_all_that_is_shown_counts():
    result = np.zeros((10, 10, 4), np.uint8)
    result[0, :5, 3] = 200
    assert figures(result, Truth.of(None, None)) == {"shown": 0.05}


def test_means_are_over_the_pictures_that_have_the_figure():
    scores = [Score("g", "a", "s", 1.0, {"alpha": 0.2, "sad": 3.0}), Score("g", "b", "s", 3.0, {"alpha": 0.4})]
    assert means(scores) == pytest.approx({"alpha": 0.3, "sad": 3.0, "cpu_seconds": 2.0})


def test_the_table_has_a_line_for_each_side_of_each_group():
    scores = [Score(group, "a", side, 1.0, {"alpha": 0.25}) for group in ("ccp", "flat") for side in ("raw", "ours")]
    lines = group_tables(scores).splitlines()
    assert [line.split()[0] for line in lines if line] == ["ccp", "raw", "ours", "flat", "raw", "ours"]
    assert "0.2500" in lines[1]


def test_the_crop_is_where_most_of_the_boundary_is():
    edge = np.zeros((1000, 800), bool)
    edge[900:950, 700:750] = True
    rows, columns = demanding_crop(edge, edge.shape)
    assert rows.stop - rows.start == columns.stop - columns.start == 360
    assert rows.start <= 900
    assert rows.stop >= 950
    assert columns.start <= 700
    assert columns.stop >= 750


def test_the_crop_of_a_small_picture_is_all_of_it():
    assert demanding_crop(None, (100, 50)) == (slice(0, 100), slice(0, 50))
