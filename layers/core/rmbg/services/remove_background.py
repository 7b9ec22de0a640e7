"""The main use case: an uploaded picture in, a cut-out or a mask out."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from rmbg.domain.fingerprints import fingerprint
from rmbg.domain.geometry import MAX_CANVAS_PIXELS, MAX_CANVAS_SIDE_PX, Geometry, plan_geometry
from rmbg.domain.options import Options, parse_options
from rmbg.domain.pictures import MAX_SOURCE_SIDE_PX, Cutout, ImageHeader, InvalidImage
from rmbg.errors import PublicError, invalid_parameters
from rmbg.observability import StageTimer
from rmbg.services.deadline import Deadline
from rmbg.services.payments import Payment
from rmbg.services.uploads import Upload, check_filename, check_size

PictureT = TypeVar("PictureT")
MatteT = TypeVar("MatteT")
ResultT = TypeVar("ResultT")


class Imaging(Protocol[PictureT, MatteT, ResultT]):
    """What the service needs of the imaging; the types in between are the imaging's own."""

    def inspect(self, data: bytes) -> ImageHeader:
        """Signature and header alone; raises InvalidImage."""

    def decode(self, data: bytes, header: ImageHeader, geometry: Geometry) -> PictureT:
        """The picture, oriented, in sRGB, after reading all of its data; raises InvalidImage.

        It may be smaller than stored where the result does not need more.
        """

    def segment(self, picture: PictureT) -> MatteT:
        """The foreground's matte."""

    def render(self, picture: PictureT, matte: MatteT, geometry: Geometry, options: Options) -> ResultT:
        """Resize, rotate, put on the background; may use up the picture."""

    def encode(self, result: ResultT, options: Options) -> Cutout:
        """The bytes of the answer."""


def remove_background(
    upload: Upload,
    imaging: Imaging[Any, Any, Any],
    payment: Payment,
    *,
    deadline: Deadline,
    timer: StageTimer,
    deliver: Callable[[Cutout], None] = lambda _: None,
) -> Cutout:
    """Check the upload, cut the subject out, encode it as asked, and have it paid.

    Everything that a client can get wrong is found before the payment is taken: rows 6 to 12, 16 and 10 of the
    contract's error table, in the contract's order. Whatever goes wrong after that gives the payment back, a result
    that `deliver` refuses or cannot put where it belongs and an answer that would come too late included.

    Raises PublicError, what imaging raises for its own faults, and what the payment's commit raises.
    """
    check_filename(upload.filename)
    check_size(len(upload.data))
    with timer.stage("inspect"):
        header = _inspect(upload.data, imaging)
    options, problems = parse_options(upload.fields)
    if problems:
        raise invalid_parameters(problems)
    geometry = plan_geometry(header.oriented, options)
    _check_canvas(geometry)
    with timer.stage("decode"):
        picture = _decode(upload.data, header, geometry, imaging)
    with timer.stage("reserve"):
        payment.begin(lambda: fingerprint(upload.data, options))
    try:
        deadline.check()
        with timer.stage("segment"):
            matte = imaging.segment(picture)
        with timer.stage("render"):
            result = imaging.render(picture, matte, geometry, options)
        del picture, matte  # a quarter of the peak memory of a large picture
        with timer.stage("encode"):
            cutout = imaging.encode(result, options)
        with timer.stage("deliver"):
            deliver(cutout)
        deadline.check()
    except BaseException:
        with timer.stage("refund"):
            payment.refund()
        raise
    with timer.stage("commit"):
        payment.commit(deadline)
    return cutout


def _inspect(data: bytes, imaging: Imaging[Any, Any, Any]) -> ImageHeader:
    """Rows 10a and 11."""
    try:
        header = imaging.inspect(data)
    except InvalidImage as invalid:
        raise _invalid_image() from invalid
    for side, value in (("width", header.stored.width), ("height", header.stored.height)):
        if value > MAX_SOURCE_SIDE_PX:
            raise PublicError(
                400,
                f"Image {side} ({value}px) exceeds the maximum allowed {side} of {MAX_SOURCE_SIDE_PX}px.",
            )
    return header


def _check_canvas(geometry: Geometry) -> None:
    """Row 16."""
    size = geometry.oversized
    if size is not None:
        raise PublicError(
            400,
            f"Output size ({size.width}x{size.height}px) exceeds the limit of {MAX_CANVAS_SIDE_PX}px a side and "
            f"{MAX_CANVAS_PIXELS} pixels. Use a smaller 'w' or 'h', or 'expand=false'.",
        )


def _decode(data: bytes, header: ImageHeader, geometry: Geometry, imaging: Imaging[Any, Any, Any]) -> Any:
    """Row 10b."""
    try:
        return imaging.decode(data, header, geometry)
    except InvalidImage as invalid:
        raise _invalid_image() from invalid


def _invalid_image() -> PublicError:
    return PublicError(400, "File does not appear to be a valid image (invalid file signature)")
