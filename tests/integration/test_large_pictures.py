"""The largest pictures that the contract allows fit into 1.5 GB, whatever they are and whatever is asked for them."""

import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.large.cases import Case
from benchmarks.large.measure import measure
from tests.support.pictures import disc
from tests.support.store import store
from tools.local_store.tables import ACCESS_KEY, REGION

MOST_BYTES = 1_500_000_000
SIDE_PX = 10_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"),
]


@pytest.fixture(scope="module")
def environment(small_model: Path) -> Iterator[Mapping[str, str]]:
    with store() as tables:
        yield {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
            "MODEL_DIR": str(small_model),
            "MAX_RESPONSE_BYTES": "0",
            "CORE_TABLE": tables.core_table,
            "EPHEMERAL_TABLE": tables.ephemeral_table,
            "DYNAMODB_ENDPOINT_URL": tables.endpoint_url,
            "ANONYMOUS_DAILY_LIMIT": "100",
            "ANONYMOUS_DAILY_LIMIT_TOTAL": "100",
            "ANONYMOUS_BURST": "100",
            "ANONYMOUS_RATE_PER_SECOND": "1000",
        }


def grainy() -> Image.Image:
    """A subject of 100 megapixels that no codec finds easy; its grain repeats, to be made quickly."""
    grain = np.random.default_rng(3).integers(-12, 13, (500, 500, 1), np.int16)
    image = disc(500, 500).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    for top in range(0, SIDE_PX, 500):
        box = (0, top, SIDE_PX, top + 500)
        rows = np.asarray(image.crop(box)) + np.tile(grain, (1, SIDE_PX // 500, 1))
        image.paste(Image.fromarray(rows.clip(0, 255).astype(np.uint8)), box)
    return image


def jpeg(path: Path) -> None:
    grainy().save(path, "JPEG", quality=85)


def transparent_png(path: Path) -> None:
    image = grainy().point([level // 32 * 32 for level in range(256)] * 3)
    image.putalpha(Image.radial_gradient("L").point(lambda level: 255 - level).resize(image.size))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    path.write_bytes(buffer.getvalue())


def transparent_webp(path: Path) -> None:
    image = disc(500, 500).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    image.putalpha(Image.radial_gradient("L").point(lambda level: 255 - level).resize(image.size))
    image.save(path, "WEBP", quality=70, method=0)


TURNED = {"w": "9999", "h": "9999", "exact_resize": "true", "angle": "30", "expand": "false"}


@pytest.mark.parametrize(
    ("make", "name", "fields"),
    [
        (jpeg, "large.jpg", {}),
        (jpeg, "large.jpg", {"mask": "true"}),
        (jpeg, "large.jpg", {**TURNED, "bg_color": "#ff000080"}),
        (transparent_png, "large.png", TURNED),
        (transparent_webp, "large.webp", {}),
    ],
    ids=["jpeg", "mask", "turned", "transparent-png", "transparent-webp"],
)
def test_a_hundred_megapixels_fit(
    make, name: str, fields: dict[str, str], environment: Mapping[str, str], tmp_path: Path
) -> None:
    make(tmp_path / name)
    disc(600, 400).save(tmp_path / "small.jpg")
    figures = measure(Case(name, fields), {name: tmp_path / name}, tmp_path / "small.jpg", environment)
    assert figures.status == 200
    assert figures.peak_bytes <= MOST_BYTES, figures
