"""Twenty requests as different as callers': sizes, formats, options and mistakes. For what must last over many."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.support.events import BOUNDARY, File, multipart, proxy_event
from tests.support.pictures import disc, encoded


@dataclass(frozen=True)
class Request:
    """One upload and the status of its answer."""

    data: bytes
    filename: str
    fields: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    @property
    def body(self) -> bytes:
        return multipart([("image", File(self.data, self.filename)), *self.fields.items()])

    @property
    def event(self) -> dict[str, Any]:
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        return proxy_event("POST", "/rmbg", self.body, headers)


def mixed_requests(scale: float = 1.0) -> list[Request]:
    """From 0.1 to 6 megapixels, sides times `scale`; the first is the largest; every format in and out; 4 refused."""
    small, usual, large = (_photo(*size, scale) for size in ((400, 300), (1400, 1050), (3000, 2000)))
    jpeg: Callable[..., bytes] = partial(encoded, image_format="JPEG", quality=90)
    turned = Image.Exif()
    turned[0x0112] = 6
    grey_alpha = usual.convert("LA")
    transparent = small.copy()
    transparent.putalpha(Image.linear_gradient("L").resize(small.size))
    return [
        Request(jpeg(large), "large.jpg", {"format": "png"}),
        Request(jpeg(small), "small.jpg"),
        Request(encoded(usual, "PNG"), "usual.png", {"format": "jpeg", "bg_color": "#1e90ff"}),
        Request(encoded(usual, "WEBP"), "usual.webp", {"mask": "true", "format": "png"}),
        Request(encoded(small, "BMP"), "small.bmp", {"format": "bmp"}),
        Request(b"no picture at all", "text.jpg", status=400),
        Request(jpeg(usual, exif=turned), "turned.jpg", {"w": "800", "format": "webp"}),
        Request(jpeg(large), "large.jpeg", {"angle": "30", "w": "1500"}),
        Request(encoded(transparent, "PNG"), "transparent.png", {"angle": "90", "format": "png"}),
        Request(encoded(usual.convert("P"), "PNG"), "palette.png"),
        Request(jpeg(usual)[:20_000], "cut.jpg", status=400),
        Request(jpeg(usual.convert("CMYK")), "cmyk.jpg", {"format": "jpeg"}),
        Request(encoded(grey_alpha, "PNG"), "grey.png", {"mask": "true"}),
        Request(jpeg(usual, icc_profile=_other_profile()), "profile.jpg", {"format": "webp"}),
        Request(jpeg(usual), "options.jpg", {"w": "0", "bg_color": "no colour"}, status=400),
        Request(
            encoded(usual, "WEBP", lossless=True), "lossless.webp", {"w": "2000", "h": "500", "exact_resize": "true"}
        ),
        Request(encoded(usual, "BMP"), "usual.bmp", {"mask": "true", "format": "bmp", "angle": "12.5"}),
        Request(b"", "empty.png", status=400),
        Request(jpeg(large), "large.jpg", {"format": "webp", "bg_color": "#11223380"}),
        Request(jpeg(usual, progressive=True), "progressive.jpg", {"h": "300", "expand": "false", "angle": "45"}),
    ]


def _photo(width: int, height: int, scale: float) -> Image.Image:
    """A subject on a noisy ground, so that codecs have something to do."""
    scene = np.asarray(disc(round(width * scale), round(height * scale)), np.int16)
    noise = np.random.default_rng(11).normal(0, 6, scene.shape[:2])[..., None]
    return Image.fromarray((scene + noise).clip(0, 255).astype(np.uint8))


def _other_profile() -> bytes:
    """An RGB profile that is not sRGB, so that there is something to convert: red and blue have changed places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tags = profile.replace(b"rXYZ", b"____", 1).replace(b"bXYZ", b"rXYZ", 1)
    return tags.replace(b"____", b"bXYZ", 1)


def resident_bytes(status: str) -> int:
    """VmRSS of the text of a /proc/PID/status."""
    (kilobytes,) = [line.split()[1] for line in io.StringIO(status) if line.startswith("VmRSS:")]
    return int(kilobytes) * 1024
