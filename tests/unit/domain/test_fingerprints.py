"""What makes two requests the same one."""

import itertools

import pytest

from rmbg.domain.colors import RGBA
from rmbg.domain.fingerprints import fingerprint
from rmbg.domain.options import Options, OutputFormat, parse_options
from rmbg.http.multipart import parse_form
from tests.support.events import File, multipart

DATA = b"\x89PNG and so on"
FIELDS = {"format": "png", "w": "100", "bg_color": "#ff0000", "angle": "-45.5"}


def of_form(boundary: str, fields: dict[str, str], *, image_first: bool = True, filename: str = "a.png") -> str:
    parts: list[tuple[str, File | str | bytes]] = [("image", File(DATA, filename)), *fields.items()]
    body = multipart(parts if image_first else parts[::-1], boundary)
    form = parse_form(body, f"multipart/form-data; boundary={boundary}")
    image = form.first("image")
    assert image
    options, problems = parse_options(form.fields)
    assert problems == []
    return fingerprint(image.data, options)


def test_a_retry_has_another_boundary_and_the_same_fingerprint() -> None:
    first = of_form("----one", FIELDS)
    assert first == of_form("----two-which-is-longer", FIELDS)
    assert first == of_form("----one", FIELDS, image_first=False)
    assert first == of_form("----one", FIELDS, filename="b.png")
    assert first == of_form("----one", {**FIELDS, "return_base64": "true", "unknown": "1", "h": "0", "mask": "no"})


def test_it_is_sha_256_in_hexadecimal() -> None:
    assert len(bytes.fromhex(fingerprint(b"", Options()))) == 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"format": "JPG"}, {"format": "jpeg"}),
        ({"bg_color": "red"}, {"bg_color": "#F00"}),
        ({"bg_color": "#f00f"}, {"bg_color": "#FF0000FF"}),
        ({"angle": "90"}, {"angle": " 9e1 "}),
        ({"angle": "-0"}, {"angle": "0.0"}),
        ({"angle": "-0.0"}, {}),
        ({"w": "+010"}, {"w": "10"}),
        ({"expand": "YES"}, {}),
    ],
)
def test_options_that_mean_the_same_are_the_same(one: dict[str, str], other: dict[str, str]) -> None:
    assert of_form("x", one) == of_form("x", other)


def test_every_option_counts() -> None:
    variants = [
        Options(),
        Options(format=OutputFormat.PNG),
        Options(format=OutputFormat.JPEG),
        Options(width=1),
        Options(height=1),
        Options(width=11),
        Options(width=1, height=1),
        Options(width=1, height=1, exact_resize=True),
        Options(exact_resize=True),
        Options(mask=True),
        Options(bg_color=RGBA(0, 0, 0)),
        Options(bg_color=RGBA(0, 0, 0, 0)),
        Options(bg_color=RGBA(1, 0, 0)),
        Options(bg_color=RGBA(0, 1, 0)),
        Options(angle_degrees=360.0),
        Options(angle_degrees=-360.0),
        Options(angle_degrees=1e-300),
        Options(expand=False),
    ]
    for one, other in itertools.combinations(variants, 2):
        assert fingerprint(DATA, one) != fingerprint(DATA, other), (one, other)


def test_every_byte_of_the_file_counts() -> None:
    files = [b"", b"\0", b"\0\0", DATA, DATA + b"\0", DATA[1:]]
    assert len({fingerprint(data, Options()) for data in files}) == len(files)
