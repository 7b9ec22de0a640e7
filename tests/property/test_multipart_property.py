"""Multipart parsing held against a second parser, and against arbitrary bytes."""

import contextlib
import io

from hypothesis import given, settings
from hypothesis import strategies as st
from multipart import MultipartParser
from requests_toolbelt import MultipartEncoder

from rmbg.http.multipart import MalformedMultipart, parse_form
from tests.support.events import BOUNDARY, File, multipart

CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
DELIMITER = f"--{BOUNDARY}"

# Names without the characters that every client writes in another way.
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters='"\\%;'), min_size=1)
fragments = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"--", DELIMITER.encode(), b"\r\n" + DELIMITER.encode(), b"x", b" ", b"\x00", b":"]
)
contents = st.lists(st.one_of(st.binary(max_size=40), fragments), max_size=12).map(b"".join)
# A body's own delimiters may not stand inside of its data: that is not a form any more, but two.
data = contents.filter(lambda content: DELIMITER.encode() not in content)
parts = st.lists(
    st.tuples(names, st.one_of(data, st.builds(File, data, names, st.sampled_from([None, "image/png"])))), max_size=5
)


@given(parts)
def test_a_well_formed_body_reads_as_the_second_parser_reads_it(form_parts: list[tuple[str, File | bytes]]) -> None:
    body = multipart(form_parts)
    ours = [(part.name, part.filename, part.data) for part in parse_form(body, CONTENT_TYPE).parts]
    theirs = [
        (part.name, part.filename, part.raw)
        for part in MultipartParser(io.BytesIO(body), BOUNDARY, part_limit=10, header_limit=10)
    ]
    sent = [
        (name, value.filename, value.data) if isinstance(value, File) else (name, None, value)
        for name, value in form_parts
    ]
    assert ours == sent
    assert [content for _, _, content in ours] == [content for _, _, content in theirs]
    # The second parser strips paths from file names, ours leaves that to whoever shows one.
    assert [(name, filename is None) for name, filename, _ in ours] == [
        (name, filename is None) for name, filename, _ in theirs
    ]


@given(st.dictionaries(names, st.tuples(names, data, st.just("image/jpeg")), min_size=1, max_size=4))
def test_what_the_toolbelt_encodes(files: dict[str, tuple[str, bytes, str]]) -> None:
    encoder = MultipartEncoder(files)
    form = parse_form(encoder.to_string(), encoder.content_type)
    assert [(part.name, part.data) for part in form.parts] == [(name, value[1]) for name, value in files.items()]


@settings(max_examples=500)
@given(contents, st.one_of(st.just(CONTENT_TYPE), st.text()))
def test_arbitrary_bytes_are_a_form_or_malformed(body: bytes, content_type: str) -> None:
    with contextlib.suppress(MalformedMultipart):
        parse_form(body, content_type)


@settings(max_examples=500)
@given(contents, contents)
def test_arbitrary_headers_are_a_form_or_malformed(header: bytes, body: bytes) -> None:
    head = f"{DELIMITER}\r\nContent-Disposition: form-data; name=".encode()
    with contextlib.suppress(MalformedMultipart):
        parse_form(head + header + b"\r\n\r\n" + body + f"\r\n{DELIMITER}--".encode(), CONTENT_TYPE)


@given(st.data())
def test_a_flipped_byte_is_a_form_or_malformed(draw: st.DataObject) -> None:
    body = bytearray(multipart([("image", File(b"\x89PNG\r\n\x1a\n", "a.png")), ("w", "1")]))
    body[draw.draw(st.integers(0, len(body) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedMultipart):
        parse_form(bytes(body), CONTENT_TYPE)
