"""What the benchmark feeds both sides with is the same everywhere, and is what a client would send."""

import base64

import numpy as np
import pytest

from benchmarks.children.event import proxy_event
from benchmarks.children.stopwatch import Stopwatch
from benchmarks.others import busy_ticks
from benchmarks.photographs import lock_entries
from benchmarks.pictures import middle, with_noise
from rmbg.http.multipart import parse_form

LOCK = """\
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:aa
    # via scikit-image
scikit-image==0.26.0 ; python_full_version < '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via rembg
scikit-image==0.27.0 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
scipy==1.0
"""


def test_a_package_is_taken_out_of_a_lock_with_all_versions_and_hashes():
    assert lock_entries(LOCK, "scikit-image").split() == [
        *("scikit-image==0.26.0", ";", "python_full_version", "<", "'3.12'", "\\"),
        *("--hash=sha256:bb", "\\", "--hash=sha256:cc"),
        *("scikit-image==0.27.0", ";", "python_full_version", ">=", "'3.12'", "\\", "--hash=sha256:dd"),
    ]


@pytest.mark.parametrize(
    ("size", "box"),
    [((512, 512), (0, 64, 512, 448)), ((741, 497), (39, 0, 701, 497)), ((4000, 3000), (0, 0, 4000, 3000))],
)
def test_pictures_are_the_middle_of_the_original_in_4_to_3(size, box):
    assert middle(size) == box


def test_the_noise_is_the_same_every_time_and_grows_with_the_light():
    dark, light = np.full((64, 64, 3), 40, np.uint8), np.full((64, 64, 3), 200, np.uint8)
    noisy = with_noise(light, np.random.default_rng(1))
    assert np.array_equal(noisy, with_noise(light, np.random.default_rng(1)))
    assert with_noise(dark, np.random.default_rng(1)).std() < noisy.std()
    assert noisy.mean() == pytest.approx(200, abs=1)


def test_the_event_holds_a_form_that_our_parser_reads():
    event = proxy_event(b"\xff\xd8\xff\r\n--x", "webp")
    form = parse_form(base64.b64decode(event["body"]), event["headers"]["Content-Type"])
    assert dict(form.fields) == {"format": "webp"}
    image = form.first("image")
    assert image is not None
    assert (image.filename, image.data) == ("photo.jpg", b"\xff\xd8\xff\r\n--x")


def test_a_timed_call_inside_of_another_counts_once():
    class Codec:
        def load(self) -> None:
            pass

        def save(self) -> None:
            self.load()

    stopwatch = Stopwatch()
    stopwatch.reset()
    stopwatch.wrap(Codec, "load", "decoder")
    stopwatch.wrap(Codec, "save", "encoder")
    Codec().save()
    assert stopwatch.seconds["encoder"] > 0
    assert stopwatch.seconds["decoder"] == 0


def test_idle_and_waiting_cores_are_not_busy():
    assert busy_ticks("cpu  10 1 5 1000 200 2 3 4 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n") == 25
