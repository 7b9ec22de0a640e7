"""Sizes, at N-1, N and N+1: the contract's 100 MiB, and what AWS takes and how it refuses, byte for byte."""

import json
import time

import pytest
import requests

from tests.integration.local_gateway.gateways import Running, read_answer

MIB = 1 << 20
HUNDRED_MIB = 104_857_600
TEN_MB = 10_485_760
SIX_MB = 6_291_556


@pytest.mark.parametrize("size", [HUNDRED_MIB - 1, HUNDRED_MIB])
def test_a_hundred_mib_pass(size: int, running: Running) -> None:
    response = requests.post(f"{running.url}/?digest=1", data=bytes(size), timeout=60)
    assert response.json()["size"] == size


def test_others_are_served_while_a_hundred_mib_go_through(running: Running) -> None:
    with running.connect() as large:
        large.sendall(b"POST /?digest=1 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % HUNDRED_MIB)
        piece = bytes(MIB)
        waits = []
        for _ in range(HUNDRED_MIB // MIB):
            large.sendall(piece)
        for _ in range(20):
            began = time.monotonic()
            assert running.exchange(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 200
            waits.append(time.monotonic() - began)
        assert read_answer(large)[0] == 200
    assert max(waits) < 2


def test_one_byte_more_is_refused_before_it_is_sent(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (HUNDRED_MIB + 1))
        status, headers, body = read_answer(connection)
        assert status == 413
        assert headers["content-type"] == "text/plain"
        assert headers["connection"] == "close"
        assert body == b"HTTP content length exceeded 104857600 bytes."


def test_a_client_that_waits_for_100_is_refused_without_it(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\nExpect: 100-continue\r\n\r\n"
        )
        assert read_answer(connection)[0] == 413


def test_a_client_that_reads_only_when_it_has_sent_all_sees_the_refusal(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (HUNDRED_MIB + MIB))
        for _ in range(101):
            connection.sendall(bytes(MIB))
        assert read_answer(connection)[0] == 413
        assert connection.recv(1) == b""


def test_a_body_in_chunks_is_counted(aws: Running) -> None:
    response = requests.post(aws.url, data=(bytes(MIB) for _ in range(11)), timeout=60)
    assert response.status_code == 413


@pytest.mark.parametrize("size", [TEN_MB + 1, 5 * TEN_MB])
def test_aws_refuses_more_than_10_mb_as_text(size: int, aws: Running) -> None:
    response = requests.post(aws.url, data=bytes(size), timeout=60)
    assert response.status_code == 413
    assert response.headers["Content-Type"] == "text/plain"
    assert response.content == b"HTTP content length exceeded 10485760 bytes."


def _largest_body(aws: Running) -> int:
    """The longest body whose event is within 6 MB, for a request to /?digest=1 by `requests`."""
    event = requests.post(f"{aws.url}/?y=0000001", data=b"abc", timeout=10).json()["event"]
    rest = len(json.dumps(event, ensure_ascii=False, separators=(",", ":"))) - 4
    # Content-Length does not reach the function, and every id and time is as long as the next
    return (SIX_MB - rest) // 4 * 3


def test_aws_refuses_an_event_of_more_than_6_mb_as_json(aws: Running) -> None:
    largest = _largest_body(aws)
    for size in (largest - 1, largest):
        response = requests.post(f"{aws.url}/?digest=1", data=bytes(size), timeout=60)
        assert response.json()["size"] == size
    for size in (largest + 1, TEN_MB):
        response = requests.post(f"{aws.url}/?digest=1", data=bytes(size), timeout=60)
        assert response.status_code == 413
        assert response.headers["Content-Type"] == "application/json"
        assert response.content == b'{"message":"Request Too Long"}'


@pytest.mark.parametrize(("size", "status"), [(SIX_MB - 1, 200), (SIX_MB, 200), (SIX_MB + 1, 500)])
def test_aws_takes_6_mb_of_answer(size: int, status: int, aws: Running) -> None:
    response = requests.get(f"{aws.url}/?text={size}", timeout=60)
    assert response.status_code == status
    if status == 500:
        assert response.json() == {"error": "Internal server error", "status": 500}


def test_aws_counts_an_answers_base64(aws: Running) -> None:
    assert requests.get(f"{aws.url}/?bytes=4700000", timeout=60).status_code == 200
    assert requests.get(f"{aws.url}/?bytes=4800000", timeout=60).status_code == 500
