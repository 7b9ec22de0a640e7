"""The published client of rembg.com, unmodified, gets what it expects: pictures, masks, base64, errors, progress."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from tests.e2e.client import JavaScriptClient
from tests.support.pictures import decoded, disc, encoded
from tests.support.service import Service

pytestmark = pytest.mark.e2e

PHOTO = encoded(disc(640, 480), "JPEG", quality=92)
Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(service: Service, node: list[str], javascript: Path, tmp_path: Path) -> Call:
    """Call the client once; its `path` input is a file with the given content."""
    client = JavaScriptClient(node, javascript, service.base_url)

    def run(
        content: bytes = PHOTO,
        source: str = "path",
        name: str = "photo.jpg",
        key: str = service.demo["API_KEY"],
        **options: Any,
    ) -> dict[str, Any]:
        path = tmp_path / name
        path.write_bytes(content)
        return client.call(path, key, source, **options)

    return run


def picture(outcome: dict[str, Any]) -> Image.Image:
    assert "error" not in outcome, outcome["error"]
    return decoded(base64.b64decode(outcome["content"]))


@pytest.mark.parametrize("source", ["path", "buffer", "base64", "dataUrl"])
def test_every_kind_of_input(call: Call, source: str) -> None:
    outcome = call(source=source)
    image = picture(outcome)
    assert (image.format, image.size, image.mode) == ("WEBP", (640, 480), "RGBA")
    assert outcome["path"].endswith(".WEBP")
    assert image.getpixel((320, 240))[3] == 255  # type: ignore[index]
    assert image.getpixel((3, 3))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "BMP", "JPEG"])
def test_every_input_format_under_the_name_that_the_client_gives_it(call: Call, image_format: str) -> None:
    outcome = call(encoded(disc(200, 150), image_format), source="buffer")  # sent as image.png, whatever it is
    assert picture(outcome).size == (200, 150)


@pytest.mark.parametrize(
    ("options", "image_format", "mode", "size"),
    [
        ({"format": "png"}, "PNG", "RGBA", (640, 480)),
        ({"format": "WEBP", "w": 0, "h": 0}, "WEBP", "RGBA", (640, 480)),
        ({"w": 320}, "WEBP", "RGBA", (320, 240)),
        ({"h": 120, "format": "PNG"}, "PNG", "RGBA", (160, 120)),
        ({"w": 100, "h": 100}, "WEBP", "RGBA", (100, 75)),
        ({"w": 100, "h": 100, "exact_resize": True}, "WEBP", "RGBA", (100, 100)),
        ({"angle": -45.5, "format": "png"}, "PNG", "RGBA", (791, 793)),
        ({"angle": 90, "expand": False}, "WEBP", "RGBA", (640, 480)),
        ({"bg_color": "#ffffffff"}, "WEBP", "RGB", (640, 480)),
        ({"bg_color": "red", "format": "png", "angle": 10}, "PNG", "RGB", (714, 584)),
        ({"returnMask": True, "format": "png"}, "PNG", "L", (640, 480)),
        ({"returnMask": True}, "WEBP", "RGB", (640, 480)),
    ],
)
def test_all_options(call: Call, options: dict[str, Any], image_format: str, mode: str, size: tuple[int, int]) -> None:
    image = picture(call(**options))
    assert (image.format, image.mode) == (image_format, mode)
    assert image.size == pytest.approx(size, abs=1 if "angle" in options else 0)


def test_the_mask_is_the_picture_s_alpha(call: Call) -> None:
    mask = np.asarray(picture(call(returnMask=True, format="png")))
    assert np.array_equal(mask, np.asarray(picture(call(format="png")))[..., 3])


def test_base64_output(call: Call) -> None:
    outcome = call(returnBase64=True)
    head, _, text = outcome["base64Image"].partition(",")
    assert head == "data:image/png;base64"  # the client's own words; it says so of WebP too
    assert decoded(base64.b64decode(text)).format == "WEBP"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "photo.gif"},
            "File type '.gif' is not supported. Allowed formats: webp, bmp, png, jpg, jpeg",
        ),
        ({"content": b""}, "Uploaded file is empty (0 bytes)."),
        ({"content": b"no image"}, "File does not appear to be a valid image (invalid file signature)"),
        ({"w": "abc"}, "'w' must be an integer, got: 'abc'"),
        ({"bg_color": "#12345"}, "Invalid color format '#12345'. Use hex format: #RGB, #RGBA, #RRGGBB, or #RRGGBBAA"),
        (
            {"returnMask": True, "bg_color": "red"},
            "Cannot use 'mask=true' together with 'bg_color'. Choose one or the other.",
        ),
    ],
)
def test_errors(call: Call, arguments: dict[str, Any], message: str) -> None:
    document = json.dumps({"error": message, "status": 400})
    assert call(**arguments)["error"] == f"❌ 400 {document}"


def test_an_unknown_key_is_refused_with_the_contract_s_words(call: Call) -> None:
    assert call(key="a key")["error"] == '❌ 401 {"error": "invalid api key", "status": 401}'


def test_a_picture_is_charged_to_the_key_s_account_and_an_error_is_not(call: Call, service: Service) -> None:
    headers = {"x-api-key": service.demo["API_KEY"]}

    def used() -> int:
        answer = requests.get(f"{service.base_url}/api/membership-usage", headers=headers, timeout=10)
        return int(answer.json()["api_usage"])

    before = used()
    picture(call(w=20))
    assert "error" in call(b"no image")
    assert used() == before + 1


def test_several_errors(call: Call) -> None:
    error = call(w="abc", angle=500)["error"]
    assert error.startswith("❌ 400 ")
    document = json.loads(error.removeprefix("❌ 400 "))
    assert document["error"] == "Multiple validation errors"
    assert [detail["field"] for detail in document["details"]] == ["w", "angle"]


def test_progress_events_go_up_to_the_total(call: Call) -> None:
    outcome = call(encoded(disc(1600, 1200), "PNG"), format="png")
    for events in (outcome["uploads"], outcome["downloads"]):
        loaded = [event["loaded"] for event in events]
        totals = {event["total"] for event in events}
        assert len(totals) == 1
        assert None not in totals  # a progress bar needs Content-Length
        assert loaded == sorted(loaded)
        assert loaded[-1] == totals.pop()
