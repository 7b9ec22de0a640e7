"""What a picture costs, whatever becomes of it: nothing is taken before it can be made, nothing kept if it is not."""

from collections.abc import Callable
from typing import Any

import pytest

from rmbg.domain.geometry import Geometry, Size
from rmbg.domain.options import Options, OutputFormat
from rmbg.domain.pictures import Cutout, ImageHeader, InvalidImage, SourceFormat
from rmbg.errors import PublicError
from rmbg.observability import StageTimer
from rmbg.services.deadline import Deadline
from rmbg.services.remove_background import remove_background
from rmbg.services.uploads import Upload

SIZE = Size(4, 3)
CUTOUT = Cutout(b"result", OutputFormat.WEBP, SIZE)
STAGES = ("inspect", "decode", "segment", "render", "encode")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Studio:
    """The imaging and the payment: writes down what happens, fails where it is told to."""

    def __init__(self, fail_at: str = "", failure: BaseException | None = None, size: Size = SIZE) -> None:
        self.done: list[str] = []
        self.fail_at, self.failure, self.size = fail_at, failure or ValueError("fault"), size
        self.clock = Clock()
        self.slow_stage = ""
        self.fingerprints: list[str] = []

    def _do(self, step: str) -> None:
        self.done.append(step)
        if step == self.slow_stage:
            self.clock.now += 100
        if step == self.fail_at:
            raise self.failure

    def inspect(self, data: bytes) -> ImageHeader:
        self._do("inspect")
        return ImageHeader(SourceFormat.PNG, self.size)

    def decode(self, data: bytes, header: ImageHeader, geometry: Geometry) -> str:
        self._do("decode")
        return "picture"

    def segment(self, picture: str) -> str:
        self._do("segment")
        return "matte"

    def render(self, picture: str, matte: str, geometry: Geometry, options: Options) -> str:
        self._do("render")
        return "result"

    def encode(self, result: str, options: Options) -> Cutout:
        self._do("encode")
        return CUTOUT

    def begin(self, fingerprint: Callable[[], str]) -> None:
        self._do("begin")
        self.fingerprints.append(fingerprint())

    def commit(self, deadline: Deadline) -> None:
        self._do("commit")

    def refund(self) -> None:
        self._do("refund")

    def deliver(self, _: Cutout) -> None:
        self._do("deliver")

    def make(self, *, filename: str = "a.png", data: bytes = b"data", **fields: str) -> Cutout:
        return remove_background(
            Upload(filename, data, fields),
            self,
            self,
            deadline=Deadline(self.clock.now + 24, self.clock),
            timer=StageTimer(),
            deliver=self.deliver,
        )


WHOLE = ["inspect", "decode", "begin", "segment", "render", "encode", "deliver", "commit"]


def test_a_picture_is_reserved_for_made_checked_and_committed() -> None:
    studio = Studio()
    assert studio.make() == CUTOUT
    assert studio.done == WHOLE


@pytest.mark.parametrize(
    ("upload", "message"),
    [
        ({"filename": ""}, "No file selected. Please choose an image file to upload."),
        ({"filename": "a.exe"}, "File type '.exe' is not supported. Allowed formats: webp, bmp, png, jpg, jpeg"),
        ({"data": b""}, "Uploaded file is empty (0 bytes)."),
        ({"w": "abc"}, "'w' must be an integer, got: 'abc'"),
        ({"w": "x", "h": "y"}, "Multiple validation errors"),
    ],
)
def test_what_a_client_can_get_wrong_takes_nothing(upload: dict[str, Any], message: str) -> None:
    studio = Studio()
    with pytest.raises(PublicError) as raised:
        studio.make(**upload)
    assert (raised.value.status, raised.value.message) == (400, message)
    assert not {"begin", "refund", "commit"} & set(studio.done)


def test_rows_11_and_16_come_before_the_decoding_and_take_nothing() -> None:
    studio = Studio(size=Size(12000, 15000))
    with pytest.raises(PublicError, match=r"Image width \(12000px\) exceeds"):
        studio.make(w="abc")
    assert studio.done == ["inspect"]
    studio = Studio(size=Size(10000, 10000))
    with pytest.raises(PublicError, match="Output size"):
        studio.make(angle="45")
    assert studio.done == ["inspect"]


@pytest.mark.parametrize("stage", ["inspect", "decode"])
def test_row_10_is_decided_before_any_credit_is_reserved(stage: str) -> None:
    studio = Studio(stage, InvalidImage())
    with pytest.raises(PublicError) as raised:
        studio.make()
    assert raised.value.message == "File does not appear to be a valid image (invalid file signature)"
    assert not {"begin", "refund", "commit"} & set(studio.done)


def test_parameters_come_before_the_complete_decoding() -> None:
    studio = Studio("decode", InvalidImage())
    with pytest.raises(PublicError, match="'w' must be an integer"):
        studio.make(w="abc")


@pytest.mark.parametrize("refusal", [PublicError(429, "no more"), ValueError(), KeyboardInterrupt()], ids=repr)
def test_a_payment_that_is_refused_is_not_given_back(refusal: BaseException) -> None:
    studio = Studio("begin", refusal)
    with pytest.raises(type(refusal)):
        studio.make()
    assert studio.done == ["inspect", "decode", "begin"]


@pytest.mark.parametrize("step", ["segment", "render", "encode", "deliver"])
@pytest.mark.parametrize("failure", [ValueError(), MemoryError(), KeyboardInterrupt(), SystemExit()], ids=repr)
def test_whatever_goes_wrong_after_it_gives_it_back_once(step: str, failure: BaseException) -> None:
    studio = Studio(step, failure)
    with pytest.raises(type(failure)):
        studio.make()
    assert studio.done == [*WHOLE[: WHOLE.index(step) + 1], "refund"]


@pytest.mark.parametrize("step", ["inspect", "decode", "begin"])
def test_a_call_that_is_late_before_the_work_does_none_of_it(step: str) -> None:
    studio = Studio()
    studio.slow_stage = step
    with pytest.raises(PublicError) as raised:
        studio.make()
    assert (raised.value.status, raised.value.headers) == (503, {"Retry-After": "5"})
    assert studio.done == ["inspect", "decode", "begin", "refund"]


@pytest.mark.parametrize("step", ["segment", "render", "encode", "deliver"])
def test_an_answer_that_would_come_too_late_is_not_paid(step: str) -> None:
    studio = Studio()
    studio.slow_stage = step
    with pytest.raises(PublicError) as raised:
        studio.make()
    assert raised.value.status == 503
    assert studio.done == [*WHOLE[:-1], "refund"]


def test_a_slow_commit_delivers_all_the_same() -> None:
    studio = Studio()
    studio.slow_stage = "commit"
    assert studio.make() == CUTOUT


def test_the_fingerprint_is_of_the_file_and_its_options() -> None:
    prints = []
    variants: list[dict[str, Any]] = [{}, {"w": "0"}, {"unknown": "1"}, {"w": "1"}]
    for fields in variants:
        studio = Studio()
        studio.make(**fields)
        prints += studio.fingerprints
    assert prints[0] == prints[1] == prints[2] != prints[3]
    studio = Studio()
    studio.make(data=b"other")
    assert studio.fingerprints != prints[:1]
