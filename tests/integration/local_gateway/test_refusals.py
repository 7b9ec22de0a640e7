"""What is no HTTP, too much of it, or too slow, is answered in our JSON; and the gateway goes on."""

import contextlib
import json
import socket
import time

import pytest
import requests

from tests.integration.local_gateway.gateways import Running, gateway, read_answer, wait_until

OK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\r\n\r\n\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),  # TLS
        (b"PRI * HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1_0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 400 + b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 17_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 4000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 1_000_000, 431),  # without end, and not read to it
    ],
)
def test_bad_http_is_refused_in_our_words(request_: bytes, status: int, running: Running) -> None:
    with running.connect() as connection:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # refused while we still send
            connection.sendall(request_)
        got, headers, body = read_answer(connection)
        assert got == status
        assert headers["content-type"] == "application/json"
        assert headers["connection"] == "close"
        assert headers["x-request-id"]
        document = json.loads(body)
        assert document["status"] == status
        assert isinstance(document["error"], str)
        assert connection.recv(1) == b""
    assert requests.get(running.url, timeout=10).status_code == 200


def test_what_is_refused_in_its_body_is_one_line_of_the_log(running: Running) -> None:
    refused = b"POST /refused HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    before = running.log().count("- - 400 ")
    assert running.exchange(refused)[0] == 400
    assert wait_until(lambda: running.log().count("- - 400 ") == before + 1, 5)
    assert running.exchange(OK.replace(b"/", b"/after", 1))[0] == 200
    assert wait_until(lambda: "GET /after 200" in running.log(), 5)
    assert "/refused" not in running.log()


def test_headers_just_within_the_limit_pass(running: Running) -> None:
    assert requests.get(running.url, headers={"X": "a" * 15_500}, timeout=10).status_code == 200


def test_bad_http_after_good_is_refused_after_the_answer(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(OK + b"nonsense\r\n\r\n")
        assert read_answer(connection)[0] == 200
        assert read_answer(connection)[0] == 400


def test_a_body_that_stalls_is_408(impatient: Running) -> None:
    with impatient.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        status, headers, body = read_answer(connection)
        assert status == 408
        assert json.loads(body) == {"error": "Request timeout", "status": 408}
        assert headers["connection"] == "close"
        assert connection.recv(1) == b""


@pytest.mark.parametrize("before", [b"", OK])
def test_headers_that_come_too_slowly_are_408(before: bytes, impatient: Running) -> None:
    with impatient.connect() as connection:
        if before:
            connection.sendall(before)
            assert read_answer(connection)[0] == 200
        for byte in b"GET / HTTP/1.1\r\nHo":
            time.sleep(0.03)  # never silent for long
            connection.sendall(bytes([byte]))
        status, headers, body = read_answer(connection)
        assert status == 408
        assert json.loads(body) == {"error": "Request timeout", "status": 408}
        assert headers["connection"] == "close"


def test_a_connection_that_asks_for_nothing_is_closed_without_a_word(impatient: Running) -> None:
    with impatient.connect() as connection:
        assert connection.recv(1) == b""


def test_a_client_that_takes_its_time_gets_everything() -> None:
    """An answer counts as sent when it is in our hands; the connection, idle from then on, must not be cut."""
    with gateway(keep_alive_seconds=1, send_buffer=4096) as slow, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", slow.port))
        connection.settimeout(10)
        connection.sendall(b"GET /?bytes=50000 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wait_until(lambda: "GET / 200 " in slow.log(), 5)
        time.sleep(1.3)
        status, _, body = read_answer(connection)
        assert (status, len(body)) == (200, 50_000)


def test_a_client_that_asks_much_and_reads_nothing_is_dropped(impatient: Running) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port))
        connection.settimeout(10)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012 - send until it is seen
            while True:
                connection.sendall(b"GET /?bytes=100000 HTTP/1.1\r\nHost: x\r\n\r\n" * 100)


def test_a_slow_body_that_keeps_coming_is_no_stall(impatient: Running) -> None:
    with impatient.connect() as connection:
        connection.sendall(b"POST /?digest=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            time.sleep(0.15)  # together more than the stall
            connection.sendall(b"x")
        assert json.loads(read_answer(connection)[2])["size"] == 8


def test_a_client_that_does_not_read_is_dropped(impatient: Running) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port))
        connection.settimeout(20)
        connection.sendall(b"GET /?bytes=30000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.5)
        received = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(1 << 20):
                received += len(piece)
        assert 0 < received < 30_000_000
    assert requests.get(impatient.url, timeout=10).status_code == 200


def test_a_hundred_idle_connections_are_in_nobodys_way(running: Running) -> None:
    idle = [running.connect() for _ in range(100)]
    try:
        for connection in idle[:50]:
            connection.sendall(b"GET / HT")
        assert requests.get(running.url, timeout=10).status_code == 200
    finally:
        for connection in idle:
            connection.close()
