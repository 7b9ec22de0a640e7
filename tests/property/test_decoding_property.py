"""Damaged files of the four formats: a picture of the size that the header says, or InvalidImage; nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.background_removal.imaging.decode import decode
from functions.background_removal.imaging.inspect import inspect
from rmbg.domain.pictures import InvalidImage
from tests.support.pictures import disc, encoded, quadrants

SMALL = disc(40, 30)
EXIF = SMALL.getexif()
EXIF[0x0112] = 6
FILES = [
    encoded(SMALL, "PNG", exif=EXIF),
    encoded(SMALL.convert("RGBA"), "PNG"),
    encoded(quadrants().quantize(8), "PNG", transparency=1),
    encoded(SMALL, "JPEG", exif=EXIF),
    encoded(SMALL, "JPEG", progressive=True),
    encoded(SMALL.convert("CMYK"), "JPEG"),
    encoded(SMALL, "WEBP"),
    encoded(SMALL.convert("RGBA"), "WEBP", lossless=True, exif=EXIF),
    encoded(SMALL, "BMP"),
    encoded(quadrants().quantize(8), "BMP"),
]
# What a damaged header can still announce, and a test can afford to decode.
MAX_PIXELS = 4_000_000

damages = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True), st.sampled_from(["set", "cut", "insert", "repeat"]), st.binary(max_size=8)
    ),
    min_size=1,
    max_size=6,
)


def damaged(data: bytes, where: float, how: str, content: bytes) -> bytes:
    # half of the damage falls on the header, where it hurts most
    at = int(where * 2 * min(len(data), 200)) if where < 0.5 else int((where - 0.5) * 2 * len(data))
    match how:
        case "set":
            return data[:at] + content + data[at + len(content) :]
        case "cut":
            return data[:at]
        case "insert":
            return data[:at] + content + data[at:]
        case _:
            return data[:at] + data[max(0, at - 16) : at] + data[at:]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(FILES), damages)
def test_damaged_files(data: bytes, changes: list[tuple[float, str, bytes]]) -> None:
    for where, how, content in changes:
        data = damaged(data, where, how, content)
    try:
        header = inspect(data)
        if header.stored.width * header.stored.height > MAX_PIXELS:
            return
        picture = decode(data, header)
    except InvalidImage:
        return
    assert picture.size == header.oriented
    assert picture.rgb.mode == "RGB"
    assert picture.alpha is None or (picture.alpha.mode, picture.alpha.size) == ("L", picture.rgb.size)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"RIFF\x40\x00\x00\x00WEBP"]),
    st.binary(max_size=400),
)
def test_a_signature_and_anything_behind_it(signature: bytes, rest: bytes) -> None:
    try:
        header = inspect(signature + rest)
        if header.stored.width * header.stored.height <= MAX_PIXELS:
            decode(signature + rest, header)
    except InvalidImage:
        pass
