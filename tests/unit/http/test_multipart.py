"""Hostile and odd multipart bodies: each is parsed as browsers mean it, or is MalformedMultipart and nothing else."""

import base64

import pytest

from rmbg.http.multipart import (
    MAX_PART_HEADER_BYTES,
    MAX_PART_HEADER_LINES,
    MAX_PARTS,
    MAX_TEXT_FIELD_BYTES,
    Form,
    MalformedMultipart,
    Part,
    parse_form,
)
from tests.support.events import BOUNDARY, File, multipart

CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
DELIMITER = f"--{BOUNDARY}".encode()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def parse(body: bytes, content_type: str = CONTENT_TYPE) -> Form:
    return parse_form(body, content_type)


def part_of(header: bytes, data: bytes = PNG) -> Part:
    form = parse(DELIMITER + b"\r\n" + header + b"\r\n\r\n" + data + b"\r\n" + DELIMITER + b"--\r\n")
    assert len(form.parts) == 1
    return form.parts[0]


def assert_malformed(body: bytes, content_type: str = CONTENT_TYPE) -> None:
    with pytest.raises(MalformedMultipart):
        parse(body, content_type)


def test_a_file_and_fields() -> None:
    form = parse(multipart([("image", File(PNG, "a.png")), ("w", "800"), ("format", "png")]))
    assert form.first("image") == Part("image", PNG, "a.png")
    assert form.fields == {"w": "800", "format": "png"}


def test_of_repeated_parts_the_first_counts() -> None:
    form = parse(multipart([("w", "1"), ("image", File(b"A", "a.png")), ("image", File(b"B", "b.png")), ("w", "2")]))
    assert form.first("image") == Part("image", b"A", "a.png")
    assert form.fields == {"w": "1"}


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=simple",
        'multipart/form-data; boundary="simple"',
        "Multipart/Form-Data;BOUNDARY=simple",
        "multipart/form-data; charset=utf-8; boundary=simple; x=y",
        'multipart/form-data; x="; boundary=other"; boundary=simple',
    ],
)
def test_boundaries(content_type: str) -> None:
    assert parse(multipart([("w", "1")], "simple"), content_type).fields == {"w": "1"}


def test_a_quoted_boundary_may_hold_a_semicolon_and_blanks() -> None:
    boundary = "a; b c"
    assert parse(multipart([("w", "1")], boundary), f'multipart/form-data; boundary="{boundary}"').fields == {"w": "1"}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "x" * 257,
        "multipart/form-data; boundary=caf\u00e9",
        "multipart/form-data; boundary=a\x00b",
        "multipart/mixed; boundary=" + BOUNDARY,
        "application/x-www-form-urlencoded",
        "application/json",
        "; boundary=" + BOUNDARY,
        "multipart/form-data; boundary*=utf-8''%ff",
        "multipart/form-data; boundary*1=a; boundary*x=b",
    ],
)
def test_content_types_that_name_no_form(content_type: str) -> None:
    assert_malformed(multipart([("w", "1")]), content_type)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n" + DELIMITER + b"x\r\n",  # more behind it
        b"\r\n" + DELIMITER + b"-\r\n",
        b"\r\n" + DELIMITER[:-1] + b"\r\n",
        b"\n" + DELIMITER + b"\r\n",  # no CR before it
        b"x" + DELIMITER + b"\r\n",  # not at the start of a line
        b"\r\n" + DELIMITER + b" x\r\n",
        b"\r" + DELIMITER + b"--",
        b"\r\n\r\n",
        b"\r\n",
        b"",
    ],
)
def test_bytes_like_a_boundary_inside_the_file_are_data(data: bytes) -> None:
    body = multipart([("image", File(PNG + data + PNG, "a.png")), ("w", "7")])
    form = parse(body)
    assert form.first("image") == Part("image", PNG + data + PNG, "a.png")
    assert form.fields == {"w": "7"}


def test_blanks_behind_a_delimiter() -> None:
    body = multipart([("w", "1")]).replace(DELIMITER + b"\r\n", DELIMITER + b" \t \r\n")
    assert parse(body).fields == {"w": "1"}


def test_preamble_and_epilogue_are_ignored() -> None:
    assert parse(b"preamble\r\n\r\n" + multipart([("w", "1")]) + b"epilogue").fields == {"w": "1"}


def test_a_form_without_parts() -> None:
    assert parse(DELIMITER + b"--").parts == ()


def test_every_cut_short_body_is_malformed() -> None:
    body = multipart([("image", File(PNG, "a.png")), ("w", "800")]).removesuffix(b"\r\n")
    for length in range(len(body)):
        assert_malformed(body[:length])
    parse(body)


@pytest.mark.parametrize(
    "body",
    [
        multipart([("w", "1")]).replace(b"\r\n", b"\n"),
        multipart([("w", "1")], "another"),
        b"",
        b"\x00" * 1000,
        DELIMITER,
        DELIMITER + b"\r\n",
        DELIMITER + b"\r\nno colon\r\n\r\n1\r\n" + DELIMITER + b"--",
        DELIMITER + b"\r\n: empty name\r\n\r\n1\r\n" + DELIMITER + b"--",
        DELIMITER + b"\r\nContent-Disposition: form-data;\rname=w\r\n\r\n1\r\n" + DELIMITER + b"--",
        DELIMITER + b"\r\nContent-Disposition: form-data;\nname=w\r\n\r\n1\r\n" + DELIMITER + b"--",
        DELIMITER + b"\r\nContent-Disposition: form-data; name=w\r\n" + DELIMITER + b"--",
        DELIMITER
        + b"\r\n"
        + DELIMITER
        + b"\r\nContent-Disposition: form-data; name=w\r\n\r\n1\r\n"
        + DELIMITER
        + b"--",
    ],
)
def test_malformed(body: bytes) -> None:
    assert_malformed(body)


@pytest.mark.parametrize("count", [MAX_PARTS - 1, MAX_PARTS, MAX_PARTS + 1])
def test_the_number_of_parts(count: int) -> None:
    body = multipart([(f"f{number}", "") for number in range(count)])
    if count <= MAX_PARTS:
        assert len(parse(body).parts) == count
    else:
        assert_malformed(body)


@pytest.mark.parametrize("size_bytes", [MAX_TEXT_FIELD_BYTES - 1, MAX_TEXT_FIELD_BYTES, MAX_TEXT_FIELD_BYTES + 1])
def test_the_size_of_a_text_field(size_bytes: int) -> None:
    body = multipart([("x", b"a" * size_bytes)])
    if size_bytes <= MAX_TEXT_FIELD_BYTES:
        assert len(parse(body).fields["x"]) == size_bytes
    else:
        assert_malformed(body)
    assert parse(multipart([("x", File(b"a" * size_bytes))])).first("x") is not None  # files have their own limit


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_the_size_of_part_headers(excess: int) -> None:
    header = b'Content-Disposition: form-data; name="w"\r\nX: '
    header += b"x" * (MAX_PART_HEADER_BYTES - len(header) + excess)
    body = DELIMITER + b"\r\n" + header + b"\r\n\r\n1\r\n" + DELIMITER + b"--"
    if excess <= 0:
        assert parse(body).fields == {"w": "1"}
    else:
        assert_malformed(body)


@pytest.mark.parametrize("excess", [0, 1])
def test_the_number_of_part_header_lines(excess: int) -> None:
    header = b'Content-Disposition: form-data; name="w"' + b"\r\nX: 1" * (MAX_PART_HEADER_LINES - 1 + excess)
    body = DELIMITER + b"\r\n" + header + b"\r\n\r\n1\r\n" + DELIMITER + b"--"
    if excess:
        assert_malformed(body)
    else:
        assert parse(body).fields == {"w": "1"}


@pytest.mark.parametrize(
    ("parameters", "filename"),
    [
        (b'filename="a.png"', "a.png"),
        (b"filename=a.png", "a.png"),
        (b'FileName="a.png"', "a.png"),
        (b'filename=""', ""),
        (b"filename=", ""),
        ('filename="фото 🐱.png"'.encode(), "фото 🐱.png"),
        ('filename="café.png"'.encode("latin-1"), "café.png"),
        (b'filename="a\\"b.png"', 'a"b.png'),
        (b'filename="a\\\\b.png"', "a\\b.png"),
        (b'filename="C:\\fakepath\\photo.png"', "C:\\fakepath\\photo.png"),
        (b'filename="a%22b%0D%0a.png"', 'a"b\r\n.png'),
        (b'filename="100%20.png"', "100%20.png"),  # browsers escape quotes and line ends alone
        (b'filename="a;b=c.png"', "a;b=c.png"),
        (b"filename*=UTF-8''caf%C3%A9.png", "café.png"),
        (b"filename*=utf-8'en'caf%C3%A9.png", "café.png"),
        (b"filename*=ISO-8859-1''caf%E9.png", "café.png"),
        (b"filename=\"x.png\"; filename*=UTF-8''y.png", "y.png"),
        (b"filename=\"x.png\"; filename*=UTF-8''%ff", "x.png"),  # unreadable: the plain one counts
        (b"filename=\"x.png\"; filename*=zlib''y.png", "x.png"),
        (b"filename*=UTF-8''%ff.png", "UTF-8''%ff.png"),  # unreadable, but a name
        (b"filename*=nonsense.png", "nonsense.png"),
        (b"filename=\"x.png\"; filename*=UTF-8''", "x.png"),
        (b"filename*=UTF-8''", ""),
        (b'filename="first.png"; filename="second.exe"', "first.png"),
        (b'filename="never closed', "never closed"),
        (b'filename="nul\x00.png"', "nul\x00.png"),
    ],
)
def test_file_names(parameters: bytes, filename: str) -> None:
    assert part_of(b'Content-Disposition: form-data; name="image"; ' + parameters) == Part("image", PNG, filename)


@pytest.mark.parametrize(
    "header",
    [
        b'content-disposition: form-data; name="w"',
        b"CONTENT-DISPOSITION:form-data;name=w",
        b'Content-Disposition: Form-Data ; name = "w"',
        b'Content-Disposition: form-data;\r\n name="w"',  # folded
        b'Content-Type: text/plain; charset=utf-16\r\nContent-Disposition: form-data; name="w"',
    ],
)
def test_dispositions(header: bytes) -> None:
    assert part_of(header, b"1") == Part("w", b"1")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Content-Type: image/png",
        b"Content-Disposition: form-data",
        b'Content-Disposition: form-data; filename="a.png"',
        b'Content-Disposition: attachment; name="w"',
        b"Content-Disposition: ;;;",
    ],
)
def test_parts_that_are_no_fields_are_passed_over(header: bytes) -> None:
    line = header + b"\r\n" if header else b""
    body = DELIMITER + b"\r\n" + line + b"\r\nlost\r\n" + multipart([("w", "1")])
    assert [part.name for part in parse(body).parts] == ["w"]


def test_transfer_encodings() -> None:
    header = b'Content-Disposition: form-data; name="i"; filename="a.png"\r\nContent-Transfer-Encoding: '
    assert part_of(header + b"BASE64", base64.encodebytes(PNG)).data == PNG
    assert part_of(header + b"quoted-printable", b"a=3Db=\r\nc").data == b"a=bc"
    assert part_of(header + b"8bit").data == PNG
    with pytest.raises(MalformedMultipart):
        part_of(header + b"base64", b"abcde")


def test_invalid_utf_8_in_a_field_reads_as_replacement_characters() -> None:
    assert parse(multipart([("w", b"\xff\xfe1")])).fields == {"w": "\ufffd\ufffd1"}


def test_many_near_boundaries_take_linear_time() -> None:
    near = (b"\r\n" + DELIMITER + b"x") * 100_000
    assert parse(multipart([("image", File(near, "a.png"))])).first("image") == Part("image", near, "a.png")


def test_a_header_of_nothing_but_openings_takes_linear_time() -> None:
    header = b"Content-Disposition: form-data; name=w" + b';a="\\' * 3000
    assert part_of(header, b"1").name == "w"
