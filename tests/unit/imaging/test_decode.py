"""Decoding: upright, in sRGB, 8 bits, with the file's own alpha, whatever it was stored as."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from functions.background_removal.imaging.decode import Picture, decode
from functions.background_removal.imaging.inspect import inspect
from rmbg.domain.pictures import InvalidImage, SourceFormat
from tests.support.pictures import BLUE, GREEN, RED, YELLOW, disc, encoded, quadrants


def decoded_picture(data: bytes) -> Picture:
    return decode(data, inspect(data))


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quadrants: top left, top right, bottom left, bottom right."""
    width, height = image.size
    return [
        image.getpixel((width * x // 4, height * y // 4))  # type: ignore[misc]
        for y in (1, 3)
        for x in (1, 3)
    ]


def close(got: Sequence[tuple[int, ...]], expected: Sequence[tuple[int, ...]], tolerance: int = 10) -> bool:
    return bool(np.abs(np.array(got)[:, :3].astype(int) - np.array(expected)).max() <= tolerance)


UPRIGHT = [RED, GREEN, BLUE, YELLOW]
# How a camera that writes an orientation has stored the upright picture (EXIF 2.32).
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(image_format: str, orientation: int) -> None:
    image = quadrants(64, 48)
    turn = STORED[orientation]
    stored = image if turn is None else image.transpose(turn)
    exif = stored.getexif()
    exif[0x0112] = orientation
    data = encoded(stored, image_format, exif=exif, quality=95)
    header = inspect(data)
    assert header.orientation == orientation
    assert header.stored == stored.size
    assert header.oriented == (64, 48)
    picture = decode(data, header)
    assert picture.size == (64, 48)
    assert close(corners(picture.rgb), UPRIGHT)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_invalid_orientations_are_none(orientation: int) -> None:
    image = quadrants()
    exif = image.getexif()
    exif[0x0112] = orientation
    assert inspect(encoded(image, "JPEG", exif=exif)).orientation == 1


def test_broken_metadata_spoil_no_picture() -> None:
    for exif in (b"Exif\x00\x00", b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff", b"Exif\x00\x00" + bytes(50)):
        data = encoded(quadrants(), "JPEG", exif=exif)
        assert inspect(data).orientation == 1
        assert close(corners(decoded_picture(data).rgb), UPRIGHT)


def test_an_exif_chunk_behind_the_pixels_of_a_png() -> None:
    stored = quadrants().transpose(Image.Transpose.ROTATE_90)
    exif = stored.getexif()
    exif[0x0112] = 6
    body = exif.tobytes().removeprefix(b"Exif\x00\x00")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
    data = encoded(stored, "PNG")
    end = data.index(b"IEND") - 4
    data = data[:end] + chunk + data[end:]
    assert inspect(data).orientation == 6
    assert close(corners(decoded_picture(data).rgb), UPRIGHT)


@pytest.mark.parametrize(
    ("mode", "image_format"),
    [
        ("RGB", "PNG"),
        ("RGB", "JPEG"),
        ("RGB", "WEBP"),
        ("RGB", "BMP"),
        ("RGBA", "PNG"),
        ("RGBA", "WEBP"),
        ("P", "PNG"),
        ("P", "BMP"),
        ("CMYK", "JPEG"),
    ],
)
def test_color_modes(mode: str, image_format: str) -> None:
    image = quadrants()
    converted = image.quantize(8) if mode == "P" else image.convert(mode)
    picture = decoded_picture(encoded(converted, image_format, quality=95))
    assert picture.rgb.mode == "RGB"
    assert picture.alpha is None  # opaque alpha is none
    assert close(corners(picture.rgb), UPRIGHT, tolerance=14)


@pytest.mark.parametrize(("mode", "image_format"), [("L", "PNG"), ("L", "JPEG"), ("L", "BMP"), ("LA", "PNG")])
def test_grey(mode: str, image_format: str) -> None:
    grey = quadrants().convert("L")
    picture = decoded_picture(encoded(grey.convert(mode), image_format, quality=95))
    assert close(corners(picture.rgb), corners(grey.convert("RGB")), tolerance=3)


def test_black_and_white() -> None:
    picture = decoded_picture(encoded(quadrants().convert("1", dither=Image.Dither.NONE), "PNG"))
    assert set(corners(picture.rgb)) <= {(0, 0, 0), (255, 255, 255)}


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    levels = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(8, axis=0)
    data = encoded(Image.fromarray(levels), "PNG")
    picture = decoded_picture(data)
    assert np.abs(np.asarray(picture.rgb)[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def png_16_bit(color_type: int, samples: np.ndarray, extra: bytes = b"") -> bytes:
    """A 16-bit PNG of (height, width, channels) uint16 samples, which Pillow cannot write."""
    rows = [row.astype(">u2").tobytes() for row in samples]
    return png_of_rows(color_type, 16, samples.shape[1], rows, extra)


def png_of_rows(color_type: int, bit_depth: int, width: int, packed_rows: list[bytes], extra: bytes = b"") -> bytes:
    """A PNG of packed rows of samples, and the body of its tRNS chunk if it has one."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\x00" + row for row in packed_rows)
    header = struct.pack(">IIBBBBB", width, len(packed_rows), bit_depth, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (chunk(b"tRNS", extra) if extra else b"")
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("color_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bit_png_of_every_color_type(color_type: int, channels: int) -> None:
    samples = np.full((6, 8, channels), 0x8080, np.uint16)
    samples[:, 4:] = 0x4040
    picture = decoded_picture(png_16_bit(color_type, samples))
    assert picture.rgb.getpixel((1, 1)) == (0x80, 0x80, 0x80)
    assert picture.rgb.getpixel((6, 1)) == (0x40, 0x40, 0x40)
    if channels in {2, 4}:
        assert picture.alpha is not None
        assert picture.alpha.getpixel((1, 1)) == 0x80
    else:
        assert picture.alpha is None


def test_a_transparent_level_of_16_bit_grey() -> None:
    samples = np.full((6, 8, 1), 0x1234, np.uint16)
    samples[:, 4:] = 0x1235  # the same in 8 bits, yet opaque
    picture = decoded_picture(png_16_bit(0, samples, struct.pack(">H", 0x1234)))
    assert picture.alpha is not None
    assert (picture.alpha.getpixel((1, 1)), picture.alpha.getpixel((6, 1))) == (0, 255)


@pytest.mark.parametrize("bit_depth", [1, 2, 4, 8])
def test_a_transparent_level_of_grey_of_every_depth(bit_depth: int) -> None:
    """tRNS holds the raw sample, the decoded pixels are spread over 0 to 255."""
    highest = (1 << bit_depth) - 1
    for level in {0, 1, highest // 2, highest}:
        samples = [level, highest - level] if level != highest - level else [level, highest]
        bits = "".join(f"{sample:0{bit_depth}b}" for sample in samples).ljust(16, "0")
        row = int(bits, 2).to_bytes(2, "big")
        picture = decoded_picture(png_of_rows(0, bit_depth, 2, [row], struct.pack(">H", level)))
        assert picture.alpha is not None
        assert [picture.alpha.getpixel((x, 0)) for x in (0, 1)] == [0, 255]
        assert picture.rgb.getpixel((1, 0)) == (samples[1] * 255 // highest,) * 3


def test_a_transparent_color_of_16_bit_rgb() -> None:
    samples = np.array([[[0x1234, 0x5678, 0x9ABC], [0x3412, 0x7856, 0xBC9A]]], np.uint16)
    picture = decoded_picture(png_16_bit(2, samples, struct.pack(">HHH", 0x1234, 0x5678, 0x9ABC)))
    assert picture.alpha is not None
    assert [picture.alpha.getpixel((x, 0)) for x in (0, 1)] == [0, 255]


@pytest.mark.parametrize("mode", ["P", "RGB", "L", "1"])
def test_transparent_colors(mode: str) -> None:
    image = Image.new("RGB", (8, 8), (255, 255, 255))
    image.paste((0, 0, 0), (4, 0, 8, 8))
    image = image.convert(mode)
    transparent = image.getpixel((6, 4))
    picture = decoded_picture(encoded(image, "PNG", transparency=transparent))
    assert picture.alpha is not None
    assert (picture.alpha.getpixel((1, 1)), picture.alpha.getpixel((6, 4))) == (255, 0)
    assert picture.rgb.getpixel((1, 1)) == (255, 255, 255)


def test_a_palette_of_half_transparent_colors() -> None:
    image = quadrants().convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    index = int(np.asarray(image)[2, 2])
    alphas = bytearray(b"\xff" * 4)
    alphas[index] = 100
    picture = decoded_picture(encoded(image, "PNG", transparency=bytes(alphas)))
    assert picture.alpha is not None
    assert picture.alpha.getpixel((2, 2)) == 100
    assert picture.alpha.getpixel((60, 2)) == 255


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_only_the_first_frame_of_an_animation(image_format: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in (RED, GREEN, BLUE)]
    data = encoded(frames[0], image_format, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    picture = decoded_picture(data)
    assert close([picture.rgb.getpixel((8, 8))], [RED], tolerance=3)  # type: ignore[list-item]


def test_a_multi_picture_jpeg_is_its_first_picture() -> None:
    data = encoded(quadrants(), "MPO", save_all=True, append_images=[Image.new("RGB", (20, 20))], quality=95)
    assert inspect(data).format is SourceFormat.JPEG
    assert close(corners(decoded_picture(data).rgb), UPRIGHT)


# Colorants adapted to D50, one a column: of Display P3, and of sRGB (ICC registry; IEC 61966-2-1 by Bradford).
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])


def display_p3_profile() -> bytes:
    """An sRGB profile with the wider primaries of Display P3 (s15Fixed16 numbers)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), DISPLAY_P3.T, strict=True):
        entry = profile.index(name, 128)  # the tag table: signature, offset, size
        (offset,) = struct.unpack_from(">I", profile, entry + 4)
        struct.pack_into(">iii", profile, offset + 8, *(round(value * 65536) for value in xyz))
    return bytes(profile)


def p3_to_srgb(color: tuple[int, int, int]) -> tuple[float, ...]:
    """The conversion written out: linearise, to XYZ, to linear sRGB, encode (IEC 61966-2-1)."""
    encoded_levels = np.array(color) / 255
    linear = np.where(encoded_levels <= 0.04045, encoded_levels / 12.92, ((encoded_levels + 0.055) / 1.055) ** 2.4)
    linear = (np.linalg.inv(SRGB) @ DISPLAY_P3 @ linear).clip(0, 1)
    levels = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(levels * 255)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_colors_are_converted_by_the_embedded_profile(image_format: str) -> None:
    color = (200, 100, 50)
    image = Image.new("RGB", (32, 32), color)
    data = encoded(image, image_format, icc_profile=display_p3_profile(), quality=100)
    expected = p3_to_srgb(color)
    assert max(abs(a - b) for a, b in zip(expected, color, strict=True)) > 12
    assert decoded_picture(data).rgb.getpixel((9, 9)) == pytest.approx(expected, abs=3)


def test_an_srgb_profile_changes_no_pixel() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = disc()
    picture = decoded_picture(encoded(image, "PNG", icc_profile=profile))
    assert (np.asarray(picture.rgb) == np.asarray(image)).all()


def test_profiles_that_do_not_fit_are_passed_over() -> None:
    profile = display_p3_profile()
    for image, icc in (
        (quadrants(), b"no profile"),
        (quadrants(), profile[:200]),
        (quadrants().convert("L").convert("RGB"), b""),
        (quadrants().convert("CMYK"), profile),
    ):
        expected = corners(decoded_picture(encoded(image, "JPEG", quality=95)).rgb)
        assert close(corners(decoded_picture(encoded(image, "JPEG", icc_profile=icc, quality=95)).rgb), expected, 1)


def test_adobe_s_inverted_cmyk() -> None:
    data = encoded(quadrants().convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data
    assert close(corners(decoded_picture(data).rgb), UPRIGHT, tolerance=14)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_cut_files_are_invalid(image_format: str) -> None:
    data = encoded(disc(64, 48), image_format)
    for length in (len(data) // 3, len(data) // 2, len(data) * 9 // 10):
        with pytest.raises(InvalidImage):
            decoded_picture(data[:length])


def test_other_files_are_invalid() -> None:
    for data in (
        b"",
        b"GIF89a",
        encoded(quadrants(), "GIF"),
        encoded(quadrants(), "TIFF"),
        encoded(quadrants(), "PPM"),
    ):
        with pytest.raises(InvalidImage):
            inspect(data)


def test_a_big_comment_in_a_png() -> None:
    image = quadrants()
    info = PngInfo()
    info.add_text("XML:com.adobe.xmp", "x" * 3_000_000, zip=True)
    data = encoded(image, "PNG", pnginfo=info)
    assert close(corners(decoded_picture(data).rgb), UPRIGHT)


def test_a_text_bomb_in_a_png_is_refused_not_unpacked() -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    body = b"Comment\x00\x00" + bomb
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    data = encoded(quadrants(), "PNG")
    at = data.index(b"IDAT") - 4
    with pytest.raises(InvalidImage):
        decoded_picture(data[:at] + chunk + data[at:])
