"""One call at a time a worker, as many workers as were asked for, and no call that hangs when one dies."""

import itertools
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.integration.local_gateway.gateways import Running, gateway, wait_until


def busy(running: Running, **query: object) -> requests.Response:
    return requests.post(f"{running.url}/busy", params={key: str(value) for key, value in query.items()}, timeout=20)


def test_two_calls_run_at_once_and_never_in_one_worker(running: Running) -> None:
    with ThreadPoolExecutor(6) as threads:
        answers: list[Any] = list(threads.map(lambda _: busy(running, sleep=0.3).json(), range(6)))
    assert not any(answer["overlapped"] for answer in answers)
    assert len({answer["pid"] for answer in answers}) == 2
    for pid in {answer["pid"] for answer in answers}:
        calls = sorted((answer["began"], answer["ended"]) for answer in answers if answer["pid"] == pid)
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(calls))
    overlaps = [
        (one, other)
        for one in answers
        for other in answers
        if one["pid"] < other["pid"] and one["began"] < other["ended"] and other["began"] < one["ended"]
    ]
    assert overlaps, "the two workers took turns"


@pytest.mark.parametrize("way", ["exit", "sys.exit", "kill", "segfault", "raise"])
def test_a_call_that_comes_to_no_answer_is_our_500_and_the_next_one_is_served(way: str, running: Running) -> None:
    response = busy(running, end=way)
    assert response.status_code == 500
    assert response.json() == {"error": "Internal server error", "status": 500}
    assert response.headers["X-Request-Id"]
    assert [busy(running).status_code for _ in range(4)] == [200] * 4


def test_a_worker_that_only_raised_goes_on(running: Running) -> None:
    before = running.workers()
    for _ in range(4):
        busy(running, end="raise")
    assert running.workers() == before


def test_a_call_beyond_the_functions_timeout_is_killed(running: Running) -> None:
    """One that waits and one that computes."""
    before = running.workers()
    began = time.monotonic()
    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(busy, running, sleep=60), threads.submit(busy, running, end="spin")]
        assert [call.result().status_code for call in calls] == [500, 500]
    assert 2 <= time.monotonic() - began < 6  # the template's Timeout, after which the process is no more
    assert len(before - running.workers()) == 2
    assert busy(running).status_code == 200
    assert "killed after 2 seconds" in running.log()


def test_other_functions_do_not_wait_for_a_busy_one(running: Running) -> None:
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(busy, running, sleep=0.6) for _ in range(4)]
        time.sleep(0.1)
        assert requests.get(running.url, timeout=10).status_code == 200
        assert not any(call.done() for call in calls)
        assert [call.result().status_code for call in calls] == [200] * 4


def test_calls_that_wait_go_to_another_worker_when_one_dies(running: Running) -> None:
    with ThreadPoolExecutor(8) as threads:
        doomed = [threads.submit(busy, running, sleep=0.3, end="kill") for _ in range(2)]
        time.sleep(0.1)
        waiting = [threads.submit(busy, running) for _ in range(6)]
        assert [call.result().status_code for call in doomed] == [500, 500]
        assert [call.result().status_code for call in waiting] == [200] * 6


def test_idle_workers_that_are_killed_are_replaced_and_nobody_notices(running: Running) -> None:
    before = running.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert busy(running).status_code == 200
    assert requests.get(running.url, timeout=10).status_code == 200
    assert wait_until(lambda: len(running.workers()) == len(before), 10)
    assert not running.workers() & before


def test_a_worker_that_was_stopped_cannot_outlive_its_call(running: Running) -> None:
    for pid in running.workers():
        os.kill(pid, signal.SIGSTOP)
    try:
        # handed to nobody: the first call waits until the workers go on
        with ThreadPoolExecutor(1) as threads:
            call = threads.submit(busy, running)
            time.sleep(0.3)
            assert not call.done()
            for pid in running.workers():
                os.kill(pid, signal.SIGCONT)
            assert call.result().status_code == 200
    finally:
        for pid in running.workers():
            os.kill(pid, signal.SIGCONT)


def test_waiting_counts_towards_the_29_seconds(impatient: Running) -> None:
    """Here one second: the call that waits behind another is given up, the one that has begun runs to its end."""
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(busy, impatient, sleep=1.5)
        time.sleep(0.2)
        second = threads.submit(busy, impatient)
        for call in (first, second):
            response = call.result()
            assert response.status_code == 504
            assert response.json() == {"error": "Gateway timeout", "status": 504}
    # the first call has been served in the end, the second one never began
    assert wait_until(lambda: busy(impatient).status_code == 200, 5)
    assert busy(impatient).json()["served"] == 3


def test_clients_that_leave_leak_no_worker(running: Running) -> None:
    before = running.workers()
    log_before = running.log()
    for request in (
        b"POST /busy?sleep=0.2 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /busy HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
        b"POST /busy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
        b"POST /bu",
    ):
        for _ in range(5):
            with running.connect() as connection:
                connection.sendall(request)
    assert [busy(running).status_code for _ in range(4)] == [200] * 4
    assert running.workers() == before
    assert "Traceback" not in running.log().removeprefix(log_before)


def test_a_function_that_cannot_be_replaced_is_unavailable(tmp_path: Any) -> None:
    """Its workers die, and its module is broken meanwhile: waiting and later calls get an answer at once."""
    folder = tmp_path / "toys" / "frail"
    folder.mkdir(parents=True)
    template = """
Resources:
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: toy}}
  FrailFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: toys/frail
      Handler: handler.handler
      Events: {Root: {Type: Api, Properties: {Path: /, Method: ANY}}}
"""
    (tmp_path / "template.yaml").write_text(template)
    module = folder / "handler.py"
    module.write_text("def handler(event, context):\n    return {'statusCode': 200}\n")
    with gateway(tmp_path, workers={"FrailFunction": 1}) as frail:
        assert requests.get(frail.url, timeout=10).status_code == 200
        module.write_text("raise ValueError('broken')\n")
        for pid in frail.workers():
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: requests.get(frail.url, timeout=10).status_code == 504, 10)  # AWS's own status
        module.write_text("def handler(event, context):\n    return {'statusCode': 201}\n")
        assert wait_until(lambda: requests.get(frail.url, timeout=10).status_code == 201, 10)
        assert "no new worker: ValueError: broken" in frail.log()


def test_answers_know_nothing_of_each_other(running: Running) -> None:
    """Fifty callers at once, each with its own number: nobody gets another's answer."""

    def ask(number: int) -> bool:
        response = requests.get(f"{running.url}/{number}", headers={"X-Number": str(number)}, timeout=20)
        event = json.loads(response.content)["event"]
        return bool(event["path"] == f"/{number}" and event["headers"]["X-Number"] == str(number))

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(ask, range(50)))
