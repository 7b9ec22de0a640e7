"""A page may post a signed form and read a signed URL, and nothing that a page could think of passes besides."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.local_store.signing import HOST, INPUTS, RESULTS, SECRET, client, form, multipart, scope, url
from tools.local_store.pages import Pages
from tools.local_store.post_form import MAX_HEAD_BYTES
from tools.local_store.signatures import Signer

PAGE = [("host", HOST), ("origin", "https://page.example")]
FORM = ("content-type", "multipart/form-data; boundary=xYz")
ROOT = f"/{INPUTS}"


class BucketRules:
    """Rules that say which bucket was asked."""

    def headers(self, bucket: str, method: str, _request: Mapping[str, str]) -> Mapping[str, str]:
        return {"Access-Control-Allow-Origin": f"{bucket} {method}"}

    def preflight(self, bucket: str, key: str, _request: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
        return 200, {"Access-Control-Allow-Origin": f"{bucket} {key}"}


class Emulator:
    """Remembers the request that reached it."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}
        self.body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        more = True
        while more:
            message = await receive()
            self.body += message["body"]
            more = message["more_body"]
        headers = [(b"Access-Control-Allow-Origin", b"*"), (b"etag", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


class Answer:
    """Status and headers of what a page got, and the request that the emulator got for it, if any."""

    def __init__(self, emulator: Emulator, sent: list[Any]) -> None:
        self.emulator = emulator
        self.status = sent[0]["status"] if sent else None
        self.headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]} if sent else {}

    @property
    def passed(self) -> dict[str, str] | None:
        if not self.emulator.scope:
            return None
        return {name.decode(): value.decode() for name, value in self.emulator.scope["headers"]}


def ask(
    method: str,
    target: str,
    headers: list[tuple[str, str]] = PAGE,
    body: bytes = b"",
    *,
    after: timedelta = timedelta(),
    piece: int = 1 << 20,
) -> Answer:
    emulator, sent = Emulator(), list[Any]()
    signer = Signer("local", SECRET, "us-east-1")
    pages = Pages(emulator, BucketRules(), INPUTS, RESULTS, signer, lambda: datetime.now(UTC) + after)
    pieces = [body[start : start + piece] for start in range(0, len(body), piece)] or [b""]

    async def receive() -> Any:
        if not pieces:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(pages(scope(method, target, headers), receive, send))
    return Answer(emulator, sent)


def post(body: bytes, *more: tuple[str, str], target: str = ROOT, piece: int = 1 << 20) -> Answer:
    return ask("POST", target, [*PAGE, FORM, ("content-length", str(len(body))), *more], body, piece=piece)


@pytest.mark.parametrize("piece", [1 << 20, 7])
@pytest.mark.parametrize("target", [ROOT, f"{ROOT}/"])
def test_a_signed_form_is_written_anew(target: str, piece: int) -> None:
    fields, picture = form(), b"\r\n--xY picture \x00\xff"
    answer = post(multipart(fields, picture), ("x-amz-target", "x"), ("cookie", "c"), target=target, piece=piece)
    assert answer.status == 200
    assert answer.headers == {"etag": "1", "access-control-allow-origin": f"{INPUTS} POST"}
    passed = answer.passed
    assert passed
    assert passed.keys() == {"host", "content-type", "content-length"}
    body = answer.emulator.body
    assert int(passed["content-length"]) == len(body)
    boundary = passed["content-type"].partition("boundary=")[2]
    assert boundary != "xYz"
    again = multipart(fields, None, boundary).removesuffix(f"--{boundary}--\r\n".encode())
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'
    assert body == again + file.encode() + picture + f"\r\n--{boundary}--\r\n".encode()


def test_an_empty_file_is_a_file_and_what_follows_it_does_not_count() -> None:
    late = b'--xYz\r\nContent-Disposition: form-data; name="key"\r\n\r\nelsewhere\r\n'
    answer = post(multipart(form(), b"", after=late))
    assert answer.status == 200
    assert b"elsewhere" not in answer.emulator.body


def changed(**fields: str) -> dict[str, str]:
    return form() | {name.replace("_", "-"): value for name, value in fields.items()}


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in form().items() if key != name}


@pytest.mark.parametrize(
    "made",
    [
        lambda: {"key": "uploads/u/j/a.jpg"},
        lambda: form(secret="local"),
        lambda: changed(policy="e30="),
        lambda: changed(x_amz_signature="0" * 64),
        lambda: changed(x_amz_signature="ä" * 64),
        lambda: changed(x_amz_date="20200101T000000Z"),
        lambda: changed(x_amz_date="20201301T000000Z"),
        lambda: changed(x_amz_algorithm="AWS4-ECDSA-P256-SHA256"),
        lambda: changed(x_amz_credential=form()["x-amz-credential"].replace("/s3/", "/lambda/")),
        lambda: changed(x_amz_credential=form()["x-amz-credential"].replace("local/", "test/")),
        lambda: without("policy"),
        lambda: without("x-amz-signature"),
        lambda: without("x-amz-credential"),
        lambda: without("x-amz-date"),
        lambda: without("x-amz-algorithm"),
    ],
)
def test_a_form_that_we_have_not_signed_is_refused(made: Callable[[], dict[str, str]]) -> None:
    answer = post(multipart(made()))
    assert (answer.status, answer.headers, answer.passed) == (403, {"content-length": "0"}, None)


def test_nothing_is_taken_in_after_a_bad_signature() -> None:
    emulator, sent, asked = Emulator(), list[Any](), list[int]()
    pages = Pages(emulator, BucketRules(), INPUTS, RESULTS, Signer("local", SECRET, "us-east-1"))

    async def receive() -> Any:
        asked.append(1)
        return {
            "type": "http.request",
            "body": multipart(form(secret="local")) if len(asked) == 1 else b"x",
            "more_body": True,
        }

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [*PAGE, FORM, ("content-length", "100000000")]
    asyncio.run(pages(scope("POST", ROOT, headers), receive, send))
    assert (sent[0]["status"], len(asked)) == (403, 1)


@pytest.mark.parametrize(
    "made",
    [
        lambda: b"",
        lambda: b"{}",
        lambda: b"--xYz--\r\n",
        lambda: b"preamble\r\n" + multipart(form()),
        lambda: multipart(form(), None),
        lambda: multipart(form()).replace(b"--xYz--\r\n", b""),
        lambda: multipart(form()).replace(b"\r\n", b"\n"),
        lambda: multipart(form(), boundary="xyz"),
        lambda: multipart({**form(), "Key": "twice"}),
        lambda: multipart({**form(), 'a"; other="b': "1"}),
        lambda: multipart({**form(), "a b": "1"}),
        lambda: multipart({**form(), "x-ignore-": "1" * MAX_HEAD_BYTES}),
        lambda: multipart(form()).replace(b'name="key"', b'name="key"; name="policy"'),
        lambda: multipart(form()).replace(b'name="key"', b"name=key"),
        lambda: multipart(form()).replace(b'name="key"', b'name="key"\r\nContent-Disposition: form-data; name="other"'),
        lambda: multipart({**form(), "x-ignore-a": "?"}).replace(b"?", b"\xff"),
    ],
)
def test_a_form_that_could_be_understood_in_two_ways_is_refused(made: Callable[[], bytes]) -> None:
    answer = post(made())
    assert (answer.status, answer.passed) == (400, None)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([FORM], 411),
        ([FORM, ("content-length", "-1")], 411),
        ([FORM, ("content-length", "+5")], 411),
        ([FORM, ("content-length", "5"), ("transfer-encoding", "chunked")], 411),
        ([FORM, ("content-length", str(110_000_000))], 413),
        ([FORM, ("content-length", "9" * 5000)], 413),
        ([FORM, FORM, ("content-length", "5")], 400),
        ([("content-type", "text/plain"), ("content-length", "5")], 400),
        ([("content-type", "multipart/form-data"), ("content-length", "5")], 400),
        ([("content-type", "multipart/form-data; boundary=xYz; boundary=abc"), ("content-length", "5")], 400),
        ([("content-length", "5")], 400),
    ],
)
def test_what_no_browser_sends_is_refused(headers: list[tuple[str, str]], status: int) -> None:
    answer = ask("POST", ROOT, [*PAGE, *headers], multipart(form()))
    assert (answer.status, answer.passed) == (status, None)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        f"/{RESULTS}",
        f"{ROOT}/uploads/u/j/a.jpg",
        f"{ROOT}//",
        f"{ROOT}?delete",
        f"{ROOT}?Action=SendMessage",
        f"/{INPUTS.upper()}",
        f"/http://{HOST}{ROOT}",
        "/2015-03-31/functions",
        f"/{INPUTS}/../{RESULTS}",
    ],
)
def test_a_signed_form_goes_to_one_place(target: str) -> None:
    answer = post(multipart(form()), target=target)
    assert (answer.status, answer.passed) == (403, None)


def test_an_absolute_target_is_no_path() -> None:
    body = multipart(form())
    emulator, sent = Emulator(), list[Any]()
    pages = Pages(emulator, BucketRules(), INPUTS, RESULTS, Signer("local", SECRET, "us-east-1"))
    asked = scope("POST", ROOT, [*PAGE, FORM, ("content-length", str(len(body)))]) | {"path": f"http://{HOST}{ROOT}"}

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(pages(asked, receive, send))
    assert (sent[0]["status"], emulator.scope) == (403, {})


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_signed_url_is_read(method: str) -> None:
    more = {"ResponseContentType": "image/webp", "ResponseContentDisposition": "inline; filename*=UTF-8''%C3%A4+b"}
    signed = url("get_object" if method == "GET" else "head_object", **(more if method == "GET" else {}))
    answer = ask(method, signed, [*PAGE, ("x-api-key", "k"), ("x-amz-target", "x"), ("range", "bytes=0-1")])
    assert answer.status == 200
    assert answer.headers == {"etag": "1", "access-control-allow-origin": f"{RESULTS} {method}"}
    assert answer.passed == {"host": HOST, "range": "bytes=0-1"}


def test_a_link_is_read_as_well_and_a_body_goes_nowhere() -> None:
    answer = ask("GET", url(), [("host", HOST), ("sec-fetch-site", "none")], b"body")
    assert (answer.status, answer.emulator.body) == (200, b"")


def listing() -> str:
    return str(client().generate_presigned_url("list_objects_v2", {"Bucket": RESULTS}, ExpiresIn=900))


def edited(old: str, new: str) -> str:
    signed = url()
    assert old in signed
    return signed.replace(old, new, 1)


@pytest.mark.parametrize(
    "made",
    [
        lambda: f"/{RESULTS}/answers/1/a.webp",
        lambda: url().partition("?")[0],
        lambda: url(secret="local"),
        lambda: url(bucket=INPUTS),
        listing,
        lambda: url("put_object"),
        lambda: url("delete_object"),
        lambda: url(VersionId="1"),
        lambda: edited("answers", "results"),
        lambda: edited(f"/{RESULTS}/", f"/{RESULTS}/../{INPUTS}/"),
        lambda: edited(f"/{RESULTS}/", f"//{RESULTS}/"),
        lambda: edited("X-Amz-Expires=900", "X-Amz-Expires=9000"),
        lambda: edited("X-Amz-Expires=900", "X-Amz-Expires=9e2"),
        lambda: edited("X-Amz-Expires=900&", ""),
        lambda: edited("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        lambda: edited("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Bx-amz-target"),
        lambda: edited("%2Fs3%2F", "%2Flambda%2F"),
        lambda: edited("%2Faws4_request", "%2Faws4_request%2F"),
        lambda: url() + "&acl",
        lambda: url() + "&acl=",
        lambda: url() + "&uploads=",
        lambda: url() + "&Action=ListQueues",
        lambda: url() + "&X-Amz-Expires=900",
        lambda: url() + "&x-amz-expires=900",
        lambda: url() + "&X-Amz-Security-Token=t",
        lambda: url() + "&response-content-type=text/html",
        lambda: url() + "&" + "&".join(f"a{number}=1" for number in range(20)),
        lambda: url() + "%26acl",
        lambda: url() + ";acl=1",
    ],
)
def test_any_other_read_is_refused(made: Callable[[], str]) -> None:
    answer = ask("GET", made())
    assert (answer.status, answer.headers, answer.passed) == (403, {"content-length": "0"}, None)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST", "HEAD", "TRACE"])
def test_a_url_that_is_signed_for_reading_does_nothing_else(method: str) -> None:
    assert ask(method, url()).status == 403


@pytest.mark.parametrize(("seconds", "status"), [(-1000, 403), (-800, 200), (890, 200), (910, 403)])
def test_a_signed_url_has_its_time(seconds: int, status: int) -> None:
    assert ask("GET", url(), after=timedelta(seconds=seconds)).status == status


def test_a_signature_is_good_for_the_name_that_was_signed() -> None:
    assert ask("GET", url(), [("host", "localhost:4566"), PAGE[1]]).status == 403


def test_a_header_that_comes_twice_is_refused() -> None:
    for name in ("host", "origin", "range"):
        assert ask("GET", url(), [*PAGE, (name, HOST), (name, HOST)]).status == 400


def asking(method: str) -> list[tuple[str, str]]:
    return [*PAGE, ("access-control-request-method", method), ("access-control-request-headers", "x-api-key")]


def test_a_preflight_is_answered_for_just_these() -> None:
    answer = ask("OPTIONS", ROOT, asking("POST"))
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, f"{INPUTS} ")
    answer = ask("OPTIONS", url(), asking("GET"))
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, f"{RESULTS} answers/1/a b+c.webp")
    assert answer.passed is None


@pytest.mark.parametrize(
    ("made", "method"),
    [
        (lambda: ROOT, "PUT"),
        (lambda: ROOT, "DELETE"),
        (lambda: ROOT, "GET"),
        (lambda: ROOT, ""),
        (lambda: f"{ROOT}?delete", "POST"),
        (lambda: f"{ROOT}/key", "PUT"),
        (lambda: f"/{RESULTS}", "POST"),
        (lambda: f"/{RESULTS}/key", "GET"),
        (lambda: "/", "POST"),
        (lambda: "/2015-03-31/functions", "POST"),
        (url, "DELETE"),
        (url, "HEAD"),
        (lambda: url(secret="local"), "GET"),
    ],
)
def test_any_other_preflight_is_refused(made: Callable[[], str], method: str) -> None:
    answer = ask("OPTIONS", made(), asking(method))
    assert (answer.status, answer.headers) == (403, {"content-length": "0"})
