"""The contract's error table, byte for byte, through the whole image function: rows 5 to 12, 15 and 16, and 10."""

import struct
import zlib
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from rmbg.config import ObjectSettings
from tests.support.events import BOUNDARY, File, proxy_event, rmbg_event
from tests.support.pictures import disc, encoded, quadrants

if TYPE_CHECKING:
    from tests.contract.conftest import Client

NO_IMAGE = "No image file provided. Please include an 'image' field in your form data."
INVALID_IMAGE = "File does not appear to be a valid image (invalid file signature)"
PNG = encoded(quadrants(), "PNG")


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, and whose pixels never come."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def test_row_5_no_multipart(client: "Client") -> None:
    for headers in ({}, {"Content-Type": "application/json"}, {"Content-Type": "multipart/form-data"}):
        for body in (None, b"", b"{}", PNG):
            answer = client.send(proxy_event("POST", "/rmbg", body, headers))
            assert (answer.status, answer.error) == (400, NO_IMAGE)


def test_row_5_no_image_part(client: "Client") -> None:
    for parts in ([], [("w", "3")], [("Image", File(PNG))], [("image[]", File(PNG))]):
        answer = client.send(rmbg_event(parts))
        assert (answer.status, answer.error) == (400, NO_IMAGE)


def test_row_5_image_without_a_file_name(client: "Client") -> None:
    for data in (PNG, b"hello"):
        answer = client.rmbg(data, filename=None)
        assert (answer.status, answer.error) == (400, NO_IMAGE)


def test_row_5_body_that_is_not_base64(client: "Client") -> None:
    event = rmbg_event([("image", File(PNG))])
    event["body"] = "é" + event["body"][3:]
    answer = client.send(event)
    assert (answer.status, answer.error) == (400, NO_IMAGE)


def test_a_body_that_is_not_encoded_is_read_as_text(client: "Client") -> None:
    body = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename=""\r\n\r\n\r\n--{BOUNDARY}--\r\n'
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = client.send(proxy_event("POST", "/rmbg", body.encode(), headers, encoded=False))
    assert answer.error == "No file selected. Please choose an image file to upload."


def test_row_6_empty_file_name(client: "Client") -> None:
    answer = client.rmbg(PNG, filename="")
    assert (answer.status, answer.error) == (400, "No file selected. Please choose an image file to upload.")


def test_row_7_extension(client: "Client") -> None:
    for filename, shown in (("virus.EXE", ".exe"), ("photo.jpg.exe", ".exe"), ("a.gif", ".gif"), ("x.tar.gz", ".gz")):
        answer = client.rmbg(PNG, filename=filename)
        message = f"File type '{shown}' is not supported. Allowed formats: webp, bmp, png, jpg, jpeg"
        assert (answer.status, answer.error) == (400, message)


def test_row_7_a_long_extension_is_cut(client: "Client") -> None:
    answer = client.rmbg(PNG, filename="a." + "x" * 101)
    assert answer.error.startswith("File type '." + "x" * 100 + "…' is not")


def test_row_8_empty_file(client: "Client") -> None:
    answer = client.rmbg(b"")
    assert (answer.status, answer.error) == (400, "Uploaded file is empty (0 bytes).")


@pytest.mark.parametrize(
    ("excess_bytes", "message"),
    [
        (-1, INVALID_IMAGE),
        (0, INVALID_IMAGE),
        (1, "File size (50.0 MB) exceeds the maximum allowed size of 50 MB."),
        (5_452_596, "File size (55.2 MB) exceeds the maximum allowed size of 50 MB."),
    ],
)
def test_row_9_file_too_large(client: "Client", excess_bytes: int, message: str) -> None:
    answer = client.rmbg(bytes(52_428_800 + excess_bytes))
    assert (answer.status, answer.error) == (400, message)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"GIF89a" + bytes(100),
        b"<svg/>",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"BM",
        b"RIFF....WEBP",
        PNG[:-40],
    ],
)
def test_row_10_not_an_image(client: "Client", data: bytes) -> None:
    answer = client.rmbg(data)
    assert (answer.status, answer.error) == (400, INVALID_IMAGE)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_row_10_every_cut_of_every_format(client: "Client", image_format: str) -> None:
    data = encoded(disc(40, 30), image_format)
    for length in range(1, len(data) - 16, max(1, len(data) // 40)):
        answer = client.rmbg(data[:length])
        assert (answer.status, answer.error) == (400, INVALID_IMAGE)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((12000, 10), "Image width (12000px) exceeds the maximum allowed width of 10000px."),
        ((10001, 10001), "Image width (10001px) exceeds the maximum allowed width of 10000px."),
        ((10, 15000), "Image height (15000px) exceeds the maximum allowed height of 10000px."),
        ((10000, 10001), "Image height (10001px) exceeds the maximum allowed height of 10000px."),
        ((2**31 - 1, 2**31 - 1), "Image width (2147483647px) exceeds the maximum allowed width of 10000px."),
        ((10000, 10000), INVALID_IMAGE),  # within the limits: only now are the missing pixels found
    ],
)
def test_row_11_before_decoding(client: "Client", size: tuple[int, int], message: str) -> None:
    answer = client.rmbg(png_header(*size))
    assert (answer.status, answer.error) == (400, message)


def test_row_12_one_problem(client: "Client") -> None:
    answer = client.rmbg(PNG, w="abc")
    assert answer.status == 400
    assert answer.body == b"""{"error": "'w' must be an integer, got: 'abc'", "status": 400}"""


def test_row_12_several_problems(client: "Client") -> None:
    answer = client.rmbg(PNG, angle="500", w="abc")
    assert answer.status == 400
    assert answer.json == {
        "error": "Multiple validation errors",
        "details": [
            {"field": "w", "message": "'w' must be an integer, got: 'abc'"},
            {"field": "angle", "message": "'angle' must be between -360 and 360 degrees, got: 500.0"},
        ],
        "status": 400,
    }
    assert list(answer.json) == ["error", "details", "status"]


def test_row_12_quotes_what_is_no_text(client: "Client") -> None:
    answer = client.send(rmbg_event([("w", b"\xff\xfe"), ("image", File(PNG))]))
    assert answer.error == "'w' must be an integer, got: '\ufffd\ufffd'"


def test_row_15_result_too_large_for_the_response(
    client: "Client", http_handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_handler.SERVICES, "object_settings", ObjectSettings("", "", None))  # nowhere to put it
    answer = client.rmbg(encoded(quadrants(), "PNG"), format="bmp", w="1800", h="1300", exact_resize="1")
    assert answer.status == 413
    assert answer.error == ("The result (6.7 MB) is larger than this API can return; use format=webp or a smaller w/h.")


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"angle": "45"}, "14143x14143"),
        ({"w": "10000", "angle": "-45"}, "14143x14143"),
        ({"angle": "1", "format": "png"}, "10174x10174"),
    ],
)
def test_row_16_before_complete_decoding(client: "Client", fields: dict[str, str], size: str) -> None:
    answer = client.rmbg(png_header(10000, 10000), **fields)
    assert (answer.status, answer.error) == (
        400,
        f"Output size ({size}px) exceeds the limit of 16383px a side and 100000000 pixels. "
        "Use a smaller 'w' or 'h', or 'expand=false'.",
    )
    assert client.rmbg(png_header(10000, 10000), **fields, expand="false").error == INVALID_IMAGE


def test_row_16_is_judged_on_the_oriented_picture(client: "Client") -> None:
    exif = quadrants().getexif()
    exif[0x0112] = 6
    data = encoded(quadrants(20, 2), "JPEG", exif=exif)
    assert client.rmbg(data, h="10000").status == 200  # 2x20 upright: 1000x10000
    assert "Output size (10000x100000px)" in client.rmbg(data, w="10000").error


def test_the_order_of_the_table(client: "Client") -> None:
    """Each request has every defect from its row on; the first row answers."""
    bad: dict[str, str] = {"w": "abc"}
    cases = [
        ((b"", ""), bad, "No file selected."),
        ((b"", "a.exe"), bad, "File type '.exe'"),
        ((b"", "a.png"), bad, "Uploaded file is empty"),
        ((b"GIF89a", "a.png"), bad, INVALID_IMAGE),
        ((png_header(10001, 10001), "a.png"), bad, "Image width"),
        ((png_header(10000, 10001), "a.png"), bad, "Image height"),
        ((png_header(10000, 10000), "a.png"), {"angle": "45", "w": "abc"}, "'w' must be"),
        ((png_header(10000, 10000), "a.png"), {"angle": "45"}, "Output size"),
        ((png_header(10000, 10000), "a.png"), {}, INVALID_IMAGE),
    ]
    for (data, filename), fields, beginning in cases:
        answer = client.rmbg(data, filename=filename, **fields)
        assert answer.status == 400
        assert answer.error.startswith(beginning)


def test_an_unexpected_fault_tells_no_internals(client: "Client", monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret path /var/task")

    monkeypatch.setattr(client.http_handler, "remove_background", broken)
    answer = client.rmbg(PNG)
    assert answer.status == 500
    assert answer.body == b'{"error": "Internal server error", "status": 500}'
    assert answer.headers["x-request-id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
