"""HTTP in, HTTP out: what a client sends reaches the function as an event, and comes back whole."""

import base64
import hashlib
import json
import os
import socket
import time

import pytest
import requests

from tests.integration.local_gateway.gateways import Running, echoed, read_answer, wait_until


def test_a_request_reaches_the_function(running: Running) -> None:
    response = requests.post(
        f"{running.url}/a/b%20c?x=1&x=2", data=b"\x00\xff", headers={"tEsT-HEADeR": "aValUE"}, timeout=10
    )
    event = echoed(response)
    assert event["httpMethod"] == "POST"
    assert event["path"] == "/a/b%20c"
    assert event["resource"] == "/{proxy+}"
    assert event["headers"]["tEsT-HEADeR"] == "aValUE"
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert base64.b64decode(event["body"]) == b"\x00\xff"
    assert event["isBase64Encoded"] is True
    assert event["requestContext"]["stage"] == "toy"
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["domainName"] == f"127.0.0.1:{running.port}"
    assert response.headers["X-Request-Id"] == response.headers["x-amzn-RequestId"]
    assert response.headers["X-Request-Id"] == event["requestContext"]["requestId"]
    assert int(response.headers["Content-Length"]) == len(response.content)


def test_the_function_sees_lambdas_environment_and_context(running: Running) -> None:
    document = requests.get(running.url, timeout=10).json()
    environment, context = document["environment"], document["context"]
    assert environment["GREETING"] == "hello from us-east-1"
    assert environment["MODEL_DIR"] == "/models/toy"  # an override
    assert environment["_HANDLER"] == "handler.handler"
    assert environment["_X_AMZN_TRACE_ID"] == document["event"]["headers"]["X-Amzn-Trace-Id"]
    allowed = {"GREETING", "MODEL_DIR", "MAX_UPLOAD_BYTES", "PATH", "HOME", "TMPDIR", "PYTHONPATH", "LANG", "TZ"}
    others = {name for name in environment if not name.startswith(("AWS_", "LAMBDA_", "_", "LD_", "DYLD_", "LC_"))}
    assert others <= allowed
    assert context["aws_request_id"] == document["event"]["requestContext"]["requestId"]
    assert context["function_name"] == "EchoFunction"
    assert context["memory_limit_in_mb"] == "256"
    assert context["invoked_function_arn"] == "arn:aws:lambda:us-east-1:123456789012:function:EchoFunction"
    assert context["log_group_name"] == "/aws/lambda/EchoFunction"
    assert 0 < context["remaining"] <= 5000
    assert context["identity"] is context["client_context"] is None


def test_head_has_the_headers_and_no_body(running: Running) -> None:
    with running.connect() as connection:
        for _ in range(2):  # what follows a body that should not be there would be no answer
            connection.sendall(b"HEAD /?bytes=1234 HTTP/1.1\r\nHost: x\r\n\r\n")
            status, headers, _ = read_answer(connection, has_body=False)
            assert (status, headers["content-length"]) == (200, "1234")


def test_expect_100_continue(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        status, _, _ = read_answer(connection)
        assert status == 100
        connection.sendall(b"body")
        status, _, body = read_answer(connection)
        assert status == 200
        assert json.loads(body)["event"]["body"] == base64.b64encode(b"body").decode()


def test_a_body_in_chunks(running: Running) -> None:
    response = requests.post(f"{running.url}/x", data=iter([b"one", b"two" * 50_000, b"!"]), timeout=10)
    assert base64.b64decode(echoed(response)["body"]) == b"one" + b"two" * 50_000 + b"!"


def test_a_keep_alive_connection_serves_many_and_waits_for_no_acknowledgement(running: Running) -> None:
    """Nagle's algorithm with delayed acknowledgements would cost 40 ms an answer."""
    with running.connect() as connection:
        took = []
        for _ in range(30):
            began = time.monotonic()
            connection.sendall(b"GET /?bytes=2000 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(connection)[0] == 200
            took.append(time.monotonic() - began)
    assert min(took[5:]) < 0.03


def test_requests_in_a_row_are_answered_in_order(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(10)))
        paths = [json.loads(read_answer(connection)[2])["event"]["path"] for _ in range(10)]
    assert paths == [f"/{number}" for number in range(10)]


def test_a_client_that_has_closed_its_half_gets_its_answers(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert json.loads(read_answer(connection)[2])["event"]["path"] == "/1"
        assert json.loads(read_answer(connection)[2])["event"]["path"] == "/2"
        assert connection.recv(1) == b""


def test_a_connection_half_closed_is_closed_after_its_last_answer(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert read_answer(connection)[0] == 200
        connection.settimeout(2)  # sooner than an idle connection
        assert connection.recv(1) == b""


@pytest.mark.parametrize("way", ["HTTP/1.0", "HTTP/1.1\r\nHost: x\r\nConnection: close"])
def test_clients_that_want_no_keep_alive(way: str, running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(f"GET / {way}\r\n\r\n".encode())
        assert read_answer(connection)[0] == 200
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/..//../etc/passwd", "/..//../etc/passwd"),
        ("//", "//"),
        ("/%ff%00%", "/%ff%00%"),
        ("/a;b=c,d&e", "/a;b=c,d&e"),
        ("http://example.com/x?y=1", "/x"),
        ("http://example.com", "/"),
    ],
)
def test_odd_paths_reach_the_function(target: str, path: str, running: Running) -> None:
    status, _, body = running.exchange(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert status == 200
    assert json.loads(body)["event"]["path"] == path


@pytest.mark.parametrize("request_line", ["TRACE /", "CONNECT host:443", "OPTIONS *", "FROB /x", "get /", "GET x"])
def test_what_has_no_route_is_the_gateways_404(request_line: str, running: Running) -> None:
    status, headers, body = running.exchange(f"{request_line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert status == 404
    assert json.loads(body) == {"error": "Not found", "status": 404}
    assert headers["x-request-id"] == headers["x-amzn-requestid"]
    assert headers["access-control-allow-origin"] == "*"


def test_an_upgrade_is_ignored(running: Running) -> None:
    upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
    assert running.exchange(upgrade)[0] == 200


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"statusCode": 418, "body": "tea"}, 418),
        ({"statusCode": 204}, 204),
        ({"statusCode": "200"}, 200),
        ({"body": "no status"}, 500),
        ({"statusCode": 99}, 500),
        ({"statusCode": 200, "headers": {"X": "a\r\nb"}}, 500),
        ({"statusCode": 200, "body": "!", "isBase64Encoded": True}, 500),
        ([], 500),
        (None, 500),
    ],
)
def test_answers_of_a_function(answer: object, status: int, running: Running) -> None:
    response = requests.get(running.url, params={"answer": json.dumps(answer)}, timeout=10)
    assert response.status_code == status
    if status == 500:
        assert response.json() == {"error": "Internal server error", "status": 500}
        assert response.headers["X-Request-Id"]
        assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_large_body_arrives_whole_and_a_large_answer_comes_back_whole(running: Running) -> None:
    body = os.urandom(1 << 20) * 30
    digest = requests.post(f"{running.url}/?digest=1", data=body, timeout=30).json()
    assert digest == {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    answer = requests.get(f"{running.url}/?bytes={30 << 20}", timeout=30)
    assert len(answer.content) == 30 << 20
    assert answer.content.count(b"\0") == 30 << 20


def test_the_log_tells_of_a_request_without_its_query(running: Running) -> None:
    requests.get(f"{running.url}/logged?key=secret", headers={"X-Api-Key": "secret"}, timeout=10)
    assert wait_until(lambda: "GET /logged 200 " in running.log(), 5)
    log = running.log()
    assert "secret" not in log
    assert "echo: GET" in log  # a function's standard output comes through
