"""The real emulator behind its guard: what a web page may do there, and each way in that it has not."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.exceptions import ClientError

from tests.support.store import ObjectStore, add_objects, store
from tests.unit.local_store import signing

ORIGIN = {"Origin": "https://page.example"}
KEY = "uploads/usr_1/job_1/ä b+c.jpg"
RESULT = "answers/1/ä b+c.webp"
PICTURE = b"\r\n--picture\x00\xff" * 100
RANGE = ["content-length-range", 0, 104_857_600]


@pytest.fixture(scope="module")
def objects() -> Iterator[ObjectStore]:
    with store() as tables:
        objects = add_objects(tables.endpoint_url)
        client = objects.client()
        client.put_object(Bucket=objects.results_bucket, Key=RESULT, Body=b"a result", ContentType="image/webp")
        client.put_object(Bucket=objects.inputs_bucket, Key="inbox/usr_1/a.jpg", Body=b"an input")
        client.close()
        yield objects


def form(objects: ObjectStore, key: str = KEY, seconds: int = 900) -> dict[str, Any]:
    conditions = [RANGE, ["starts-with", "$Content-Type", ""]]
    made: dict[str, Any] = objects.signer().generate_presigned_post(
        objects.inputs_bucket, key, Conditions=conditions, ExpiresIn=seconds
    )
    return made


def post(url: str, fields: dict[str, str], file: bytes = PICTURE, **headers: str) -> requests.Response:
    given = {"Content-Type": "image/jpeg", **fields}
    files = {name: (None, value) for name, value in given.items()} | {"file": ("ä.jpg", file, "image/jpeg")}
    return requests.post(url, files=files, headers=ORIGIN | headers, timeout=20)


def signed(objects: ObjectStore, bucket: str, key: str = RESULT, operation: str = "get_object", **more: Any) -> str:
    return str(
        objects.signer().generate_presigned_url(operation, {"Bucket": bucket, "Key": key, **more}, ExpiresIn=900)
    )


def exists(objects: ObjectStore, key: str) -> bool:
    client = objects.client()
    try:
        client.head_object(Bucket=objects.inputs_bucket, Key=key)
    except ClientError:
        return False
    finally:
        client.close()
    return True


def raw(objects: ObjectStore, request: bytes) -> list[int]:
    """The statuses of all answers on one connection."""
    address = urlsplit(objects.endpoint_url)
    with socket.create_connection((address.hostname, address.port), timeout=3) as connection:
        connection.sendall(request)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            pass
    return [int(line.split()[1]) for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def test_a_page_posts_what_was_signed_and_its_event_comes(objects: ObjectStore) -> None:
    upload = form(objects)
    answer = post(upload["url"], upload["fields"])
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "PUT" not in answer.headers["Access-Control-Allow-Methods"]  # the emulator's own rule
    client, sqs = objects.client(), objects.sqs()
    stored = client.get_object(Bucket=objects.inputs_bucket, Key=KEY)
    assert (stored["Body"].read(), stored["ContentType"]) == (PICTURE, "image/jpeg")
    keys: list[str] = []
    while messages := sqs.receive_message(QueueUrl=objects.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
        "Messages"
    ):
        for message in messages:
            records = json.loads(message["Body"]).get("Records", ())
            keys += [record["s3"]["object"]["key"] for record in records]
            sqs.delete_message(QueueUrl=objects.queue_url, ReceiptHandle=message["ReceiptHandle"])
    assert "uploads/usr_1/job_1/%C3%A4+b%2Bc.jpg" in keys
    client.close()
    sqs.close()


def test_the_largest_file_that_the_policy_takes_passes_and_one_byte_more_does_not(objects: ObjectStore) -> None:
    for size, status in ((104_857_600, 204), (104_857_601, 400)):
        upload = form(objects, f"uploads/usr_1/job_1/{size}.jpg")
        assert post(upload["url"], upload["fields"], bytes(size)).status_code == status
        assert exists(objects, f"uploads/usr_1/job_1/{size}.jpg") == (status == 204)


def test_a_form_is_good_for_what_its_policy_says(objects: ObjectStore) -> None:
    upload = form(objects)
    for change in (
        {"key": "inbox/usr_2/a.jpg"},
        {"x-amz-meta-rmbg-w": "9"},
        {"acl": "public-read"},
        {"bucket": "other"},
    ):
        assert post(upload["url"], upload["fields"] | change).status_code in (400, 403)
    assert not exists(objects, "inbox/usr_2/a.jpg")
    late = form(objects, "uploads/usr_1/job_2/late.jpg", seconds=-1)
    assert post(late["url"], late["fields"]).status_code == 403
    assert not exists(objects, "uploads/usr_1/job_2/late.jpg")


@pytest.mark.parametrize("secret", ["local", "test", ""])
def test_what_a_page_can_sign_for_itself_is_worth_nothing(objects: ObjectStore, secret: str) -> None:
    host = urlsplit(objects.endpoint_url).netloc
    fields = signing.form(objects.inputs_bucket, "inbox/usr_1/own.jpg", secret or "x")
    assert post(f"http://{host}/{objects.inputs_bucket}", fields).status_code == 403
    assert not exists(objects, "inbox/usr_1/own.jpg")


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/", "text/plain", '{"QueueUrl": "q", "MessageBody": "evil"}'),
        ("/", "application/x-www-form-urlencoded", "Action=SendMessage&QueueUrl=q&MessageBody=evil"),
        ("/?Action=ListQueues", "text/plain", ""),
        ("/2015-03-31/functions", "text/plain", "{}"),
        ("/2015-03-31/functions/evil/invocations", "text/plain", "{}"),
        ("/_ministack/reset", "text/plain", ""),
        ("/{inputs}?delete", "text/plain", "<Delete/>"),
        ("/{inputs}", "text/plain", "body"),
        ("/{inputs}/inbox/usr_1/evil.jpg", "text/plain", "body"),
        ("/{results}", "multipart/form-data; boundary=b", "--b--"),
        ("/123456789012/ImageObjects", "application/x-www-form-urlencoded", "Action=PurgeQueue"),
    ],
)
def test_nothing_else_is_reached_by_a_post(objects: ObjectStore, path: str, content_type: str, body: str) -> None:
    url = objects.endpoint_url + path.format(inputs=objects.inputs_bucket, results=objects.results_bucket)
    for page in (ORIGIN, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = requests.post(url, body, headers={"Content-Type": content_type, **page}, timeout=10)
        assert answer.status_code in (400, 403)
        assert answer.content == b""
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_unsigned_form_is_refused(objects: ObjectStore) -> None:
    url = f"{objects.endpoint_url}/{objects.inputs_bucket}"
    for fields in ({"key": "inbox/usr_1/evil.jpg"}, form(objects)["fields"] | {"x-amz-signature": "0" * 64}):
        assert post(url, fields).status_code == 403
    assert not exists(objects, "inbox/usr_1/evil.jpg")


def test_a_page_reads_what_was_signed(objects: ObjectStore) -> None:
    more = {
        "ResponseContentType": "image/webp",
        "ResponseContentDisposition": "inline; filename*=UTF-8''%C3%A4%20b.webp",
    }
    url = signed(objects, objects.results_bucket, **more)
    for page in (ORIGIN, {"Origin": "null"}, {"Sec-Fetch-Site": "none"}, ORIGIN | {"x-api-key": "key"}):
        answer = requests.get(url, headers=page, timeout=10)
        assert (answer.status_code, answer.content) == (200, b"a result")
        assert answer.headers["Content-Disposition"].startswith("inline")
        assert answer.headers.get("Access-Control-Allow-Origin") == ("*" if "Origin" in page else None)
    head = requests.head(signed(objects, objects.results_bucket, operation="head_object"), headers=ORIGIN, timeout=10)
    assert (head.status_code, head.headers["Content-Length"]) == (200, "8")


def test_no_other_object_is_read_and_nothing_is_written(objects: ObjectStore) -> None:
    inputs, results = objects.inputs_bucket, objects.results_bucket
    good = signed(objects, results)
    unsigned = good.partition("?")[0]
    other = signed(objects, inputs, "inbox/usr_1/a.jpg")
    for url in (unsigned, other, good[:-1], good + "&acl", good.replace(results, f"{results}/../{inputs}"), good + "0"):
        assert requests.get(url, headers=ORIGIN, timeout=10).status_code == 403
    assert (
        requests.put(signed(objects, results, operation="put_object"), b"x", headers=ORIGIN, timeout=10).status_code
        == 403
    )
    assert (
        requests.delete(signed(objects, results, operation="delete_object"), headers=ORIGIN, timeout=10).status_code
        == 403
    )
    assert requests.get(good, timeout=10).content == b"a result"


def test_a_signed_url_beside_a_token_is_refused_as_by_s3(objects: ObjectStore) -> None:
    url = signed(objects, objects.results_bucket)
    for page in ({}, ORIGIN):
        assert requests.get(url, headers=page | {"Authorization": "Bearer token"}, timeout=10).status_code == 400


def test_a_preflight_is_for_just_these(objects: ObjectStore) -> None:
    def ask(url: str, method: str) -> requests.Response:
        asking = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-api-key"}
        return requests.options(url, headers=ORIGIN | asking, timeout=10)

    inputs = f"{objects.endpoint_url}/{objects.inputs_bucket}"
    for url, method in ((inputs, "POST"), (signed(objects, objects.results_bucket), "GET")):
        answer = ask(url, method)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
        assert answer.headers["Access-Control-Allow-Headers"] == "x-api-key"
    for url, method in ((inputs, "PUT"), (f"{inputs}/k", "PUT"), (objects.endpoint_url, "POST"), (inputs, "DELETE")):
        answer = ask(url, method)
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "host", ["page.example", "page.example:{port}", "localhost:{port}", "127.0.0.1", "[::1]:{port}"]
)
def test_a_name_that_was_bound_anew_is_refused(objects: ObjectStore, host: str) -> None:
    name = host.format(port=urlsplit(objects.endpoint_url).port)
    upload = form(objects)
    assert post(upload["url"], upload["fields"], Host=name).status_code == 403
    for headers in ({"Host": name}, {"Host": name, **ORIGIN}):
        assert requests.get(signed(objects, objects.results_bucket), headers=headers, timeout=10).status_code == 403


def test_what_only_a_socket_can_send_is_refused(objects: ObjectStore) -> None:
    """Absolute targets, repeated headers, two lengths, a request inside another's body."""
    host = urlsplit(objects.endpoint_url).netloc
    target = signed(objects, objects.results_bucket).removeprefix(objects.endpoint_url)
    inner = f"GET /2015-03-31/functions HTTP/1.1\r\nHost: {host}\r\n\r\n"
    page = f"Host: {host}\r\nOrigin: null\r\n"
    requests_and_answers = [
        (f"GET {target} HTTP/1.1\r\n{page}Connection: close\r\n\r\n", [200]),
        (f"GET http://{host}{target} HTTP/1.1\r\n{page}Connection: close\r\n\r\n", [403]),
        (f"GET {target} HTTP/1.1\r\n{page}Host: {host}\r\nConnection: close\r\n\r\n", [400]),
        (f"GET {target} HTTP/1.1\r\n{page}Origin: null\r\nConnection: close\r\n\r\n", [400]),
        (f"GET {target} HTTP/1.1\r\nOrigin: null\r\nConnection: close\r\n\r\n", [400]),
        (
            f"POST /{objects.inputs_bucket} HTTP/1.1\r\n{page}Content-Type: multipart/form-data; boundary=b\r\n"
            f"Content-Length: {len(inner)}\r\nContent-Length: 5\r\nConnection: close\r\n\r\n{inner}",
            [400],
        ),
        (
            f"POST /{objects.inputs_bucket} HTTP/1.1\r\n{page}Content-Type: multipart/form-data; boundary=b\r\n"
            f"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
            [411],
        ),
        (
            f"GET {target} HTTP/1.1\r\n{page}Content-Length: {len(inner)}\r\nConnection: close\r\n\r\n{inner}",
            [200],
        ),
    ]
    with ThreadPoolExecutor(len(requests_and_answers)) as threads:
        answers = list(threads.map(lambda pair: raw(objects, pair[0].encode()), requests_and_answers))
    assert answers == [expected for _, expected in requests_and_answers]


def test_no_page_opens_a_websocket(objects: ObjectStore) -> None:
    host = urlsplit(objects.endpoint_url).netloc
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += f"Sec-WebSocket-Key: {'A' * 22}==\r\n"
    (status,) = raw(objects, f"GET /api/stage HTTP/1.1\r\nHost: {host}\r\nOrigin: null\r\n{upgrade}\r\n".encode())
    assert status == 403
