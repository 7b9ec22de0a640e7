"""Every awkward file of the shared corpus gets its expected outcome, through the whole image function."""

import csv
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rmbg.http.multipart import MalformedMultipart, parse_form
from tests.conftest import CORPUS
from tests.support.events import BOUNDARY, File, proxy_event, rmbg_event
from tests.support.pictures import decoded

if TYPE_CHECKING:
    from tests.contract.conftest import Answer, Client

pytestmark = pytest.mark.corpus

ROBUST = CORPUS / "robust"
# A hundred megapixels take seconds and a gigabyte: slow, but not left out.
LARGE = {"bomb_10000x10000_rgb8.png", "bomb_10000x10000_rgba16.png", "dim_10000x10000.png"}

NO_IMAGE = "No image file provided. Please include an 'image' field in your form data."
INVALID = "File does not appear to be a valid image (invalid file signature)"
EXTENSION = r"File type '\.\w+' is not supported\. Allowed formats: webp, bmp, png, jpg, jpeg"
EXPECTED_ERRORS = {
    "reject-empty": r"Uploaded file is empty \(0 bytes\)\.",
    "reject-corrupt": re.escape(INVALID),
    "reject-unsupported": rf"{re.escape(INVALID)}|{EXTENSION}",
    "reject-too-wide": r"Image width \(\d+px\) exceeds the maximum allowed width of 10000px\.",
    "reject-too-tall": r"Image height \(\d+px\) exceeds the maximum allowed height of 10000px\.",
}
# The contract decides otherwise than the corpus's strictest policy: the signature counts, a name may lack an extension.
ACCEPTED_BY_CONTRACT = {"trailing_dot.jpg.", "valid_jpeg_no_extension"}


@cache
def rows(manifest: Path) -> list[dict[str, str]]:
    if not manifest.is_file():
        return []
    with manifest.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def image_parameters() -> list[Any]:
    names = [row["file"] for row in rows(ROBUST / "manifest.csv")] or [""]
    return [pytest.param(name, marks=pytest.mark.slow if Path(name).name in LARGE else ()) for name in names]


def upload_name(row: dict[str, str]) -> str:
    """The manifest escapes what is not printable."""
    return row["upload_name"].encode("ascii").decode("unicode_escape")


@pytest.mark.parametrize("name", image_parameters())
def test_image(client: "Client", corpus: Path, name: str) -> None:
    row = next(row for row in rows(corpus / "robust" / "manifest.csv") if row["file"] == name)
    data = (corpus / "robust" / name).read_bytes()
    filename = upload_name(row).replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    answer = client.send(rmbg_event([("image", File(data, filename, None)), ("format", "png"), ("mask", "1")]))
    expected = row["expected"]
    accepted = expected in {"accept", "policy-mismatch", "policy-name"} or Path(name).name in ACCEPTED_BY_CONTRACT
    if expected == "decoder-dependent":
        accepted = answer.status == 200
        expected = "reject-corrupt"
    if accepted:
        assert answer.status == 200
        size = decoded(answer.body).size
        if row["expected_w"]:
            assert size == (int(row["expected_w"]), int(row["expected_h"]))
    else:
        assert answer.status == 400
        assert re.fullmatch(EXPECTED_ERRORS[expected], answer.error)


def multipart_names(folder: str) -> list[str]:
    return sorted(path.name for path in (ROBUST / "multipart" / folder).glob("*.http")) or [""]


# By number; what is not listed is accepted. Each is replayed with `image_file` renamed to `image`, `size` to `w`.
DERIVED_ERRORS = {
    **dict.fromkeys((3, 4, 5, 6, 7, 8, 9, 15, 16, 18, 20, 21, 23, 24, 25, 26, 31, 32), re.escape(NO_IMAGE)),
    2: r"'w' must be an integer, got: 'auto'",
    10: r"No file selected\. Please choose an image file to upload\.",
    11: EXPECTED_ERRORS["reject-empty"],
    37: r"'w' must be an integer, got: 'au\x00to'",
    38: r"'w' must be an integer, got: '\ufffd+'",
    40: r"'w' must be an integer, got: '\ufffd\ufffda\x00u\x00t\x00o\x00'",
}


@pytest.mark.parametrize("name", multipart_names("derived"))
def test_multipart_body(client: "Client", corpus: Path, name: str) -> None:
    body = (corpus / "robust" / "multipart" / "derived" / name).read_bytes()
    row = next(row for row in rows(corpus / "robust" / "multipart" / "manifest.csv") if row["file"].endswith(name))
    boundary = "x" * 2000 if "repeated" in row["boundary"] else row["boundary"]
    body = body.replace(b'"image_file', b'"image').replace(b'"size"', b'"w"')
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    answer: Answer = client.send(proxy_event("POST", "/rmbg", body, headers))
    expected = DERIVED_ERRORS.get(int(name[:2]))
    if expected is None:
        assert answer.status == 200
    else:
        assert answer.status == 400
        assert re.fullmatch(expected, answer.error)


@pytest.mark.parametrize("name", multipart_names("python-multipart"))
def test_form(corpus: Path, name: str) -> None:
    folder = corpus / "robust" / "multipart" / "python-multipart"
    body = (folder / name).read_bytes()
    case = yaml.safe_load((folder / name).with_suffix(".yaml").read_text(encoding="utf-8"))
    content_type = f"multipart/form-data; boundary={case['boundary']}"
    if name == "single_field_blocks.http":  # its header names a boundary that the body does not have
        with pytest.raises(MalformedMultipart):
            parse_form(body, content_type)
        content_type = "multipart/form-data; boundary=boundary"
        body = body.removesuffix(b"\r")
    if name == "bad_initial_boundary.http":  # a preamble, then the end: legal, and without any part
        assert parse_form(body, content_type).parts == ()
        return
    if "error" in case["expected"]:
        with pytest.raises(MalformedMultipart):
            parse_form(body, content_type)
        return
    got = [(part.name, part.filename, part.data) for part in parse_form(body, content_type).parts]
    assert got == [(part["name"], part.get("file_name"), part["data"]) for part in case["expected"]]


def test_naughty_strings(client: "Client", corpus: Path) -> None:
    """As option values and file names: a 400 in the contract's words or a picture, never a fault."""
    strings = json.loads((corpus / "robust" / "strings" / "blns.json").read_text(encoding="utf-8"))
    data = b"\x89PNG\r\n\x1a\n"  # refused only after every name has been judged
    for text in strings:
        value = text.replace("\r\n--" + BOUNDARY, "")
        filename = value.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        answer = client.send(rmbg_event([("image", File(data, filename)), ("w", value)]))
        assert answer.status == 400
        assert answer.error
