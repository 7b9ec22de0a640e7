"""The emulator keeps what it is told to keep, counts exactly, and outlives nobody."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.conftest import ROOT
from tests.support.store import add_objects, store
from tools.local_store import emulator as emulator_module
from tools.local_store.emulator import running_emulator
from tools.local_store.errors import EmulatorFailed, StartCancelled, StateInUse, StateUnreadable
from tools.local_store.tables import create_tables, dynamodb_client

TEMPLATE = ROOT / "template.yaml"
KEY = {"pk": {"S": "window"}, "sk": {"S": "0"}}


def eventually(condition: Callable[[], Any], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc").exists()


def value(endpoint_url: str) -> str | None:
    client = dynamodb_client(endpoint_url)
    item = client.get_item(TableName="CoreTable", Key=KEY, ConsistentRead=True).get("Item")
    client.close()
    return item["v"]["S"] if item else None


def put(endpoint_url: str, text: str) -> None:
    client = dynamodb_client(endpoint_url)
    client.put_item(TableName="CoreTable", Item={**KEY, "v": {"S": text}})
    client.close()


def test_a_graceful_end_loses_nothing_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    log = tmp_path / "emulator.log"
    with running_emulator(tmp_path / "store", log=log) as first:
        create_tables(first.endpoint_url, TEMPLATE)
        kept = http.client.HTTPConnection(first.endpoint_url.removeprefix("http://"))  # an open connection
        kept.request("GET", "/_ministack/health")
        kept.getresponse().read()
        put(first.endpoint_url, "written last")
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert first.has_ended()
    kept.close()
    with running_emulator(tmp_path / "store", log=log) as second:
        assert create_tables(second.endpoint_url, TEMPLATE)["CoreTable"] == "CoreTable"
        assert value(second.endpoint_url) == "written last"
        client = dynamodb_client(second.endpoint_url)
        assert client.describe_time_to_live(TableName="CoreTable")["TimeToLiveDescription"] == {
            "TimeToLiveStatus": "ENABLED",
            "AttributeName": "ttl",
        }
        client.close()
    assert log.read_text() == ""


def test_nothing_is_kept_without_a_folder(tmp_path: Path) -> None:
    for _ in range(2):
        with running_emulator(None, log=tmp_path / "log") as emulator:
            create_tables(emulator.endpoint_url, TEMPLATE)
            assert value(emulator.endpoint_url) is None
            put(emulator.endpoint_url, "forgotten")


def test_a_kept_table_with_other_keys_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "template.yaml"
    other.write_text(TEMPLATE.read_text().replace("AttributeName: sk", "AttributeName: sort"))
    with running_emulator(None, log=tmp_path / "log") as emulator:
        create_tables(emulator.endpoint_url, TEMPLATE)
        with pytest.raises(StateUnreadable, match="CoreTable has other keys"):
            create_tables(emulator.endpoint_url, other)


def test_a_hundred_threads_get_exactly_the_quota() -> None:
    quota = 40
    with store() as tables:
        client = tables.client(max_pool_connections=100)

        def take(_: int) -> bool:
            try:
                client.update_item(
                    TableName=tables.core_table,
                    Key=KEY,
                    UpdateExpression="ADD used :one",
                    ConditionExpression="attribute_not_exists(used) OR used < :quota",
                    ExpressionAttributeValues={":one": {"N": "1"}, ":quota": {"N": str(quota)}},
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                    return False
                raise
            return True

        with ThreadPoolExecutor(100) as threads:
            taken = sum(threads.map(take, range(400)))
        used = client.get_item(TableName=tables.core_table, Key=KEY)["Item"]["used"]["N"]
        tables.clear()
        assert client.scan(TableName=tables.core_table)["Count"] == 0
        client.close()
    assert (taken, used) == (quota, str(quota))


def test_a_second_user_of_the_folder_is_refused(tmp_path: Path) -> None:
    with running_emulator(tmp_path / "store", log=tmp_path / "log"):
        with pytest.raises(StateInUse), running_emulator(tmp_path / "store", log=tmp_path / "log"):
            pass
        with running_emulator(tmp_path / "other", log=tmp_path / "log2"):
            pass


@contextmanager
def holder(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.local_store.holder", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout
        url, pid = process.stdout.readline().split()
        yield process, url, int(pid)
    finally:
        process.kill()
        process.communicate()


def test_a_killed_parent_leaves_no_process_and_loses_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as (process, url, pid):
        create_tables(url, TEMPLATE)
        put(url, "just before the end")
        process.kill()
        process.wait()
        # the next user waits for the one that still saves
        with running_emulator(tmp_path / "store", log=tmp_path / "log") as emulator:
            assert not is_alive(pid)
            assert value(emulator.endpoint_url) == "just before the end"


def test_objects_and_what_the_queue_was_told_of_them_are_kept(tmp_path: Path) -> None:
    """Over a stop, over a kill -9 of the parent, and over one of the emulator itself a second later."""
    keys = [f"inbox/usr_1/ä b+{end}.jpg" for end in ("stop", "kill the parent", "kill the emulator")]
    for number, key in enumerate(keys):
        with holder(tmp_path) as (process, url, emulator_pid):
            objects = add_objects(url)
            client = objects.client()
            client.put_object(Bucket=objects.inputs_bucket, Key=key, Body=key.encode(), Metadata={"rmbg-w": "9"})
            client.close()
            if number == 2:
                time.sleep(1)
            pid, how = [(emulator_pid, signal.SIGTERM), (process.pid, signal.SIGKILL), (emulator_pid, signal.SIGKILL)][
                number
            ]
            os.kill(pid, how)
            deadline = time.monotonic() + 5
            while is_alive(emulator_pid) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert not is_alive(emulator_pid)
    with running_emulator(tmp_path / "store", log=tmp_path / "log") as emulator:
        objects = add_objects(emulator.endpoint_url)
        client, sqs = objects.client(), objects.sqs()
        for key in keys:
            kept = client.get_object(Bucket=objects.inputs_bucket, Key=key)
            assert (kept["Body"].read(), kept["Metadata"]) == (key.encode(), {"rmbg-w": "9"})
        told: list[str] = []
        while messages := sqs.receive_message(QueueUrl=objects.queue_url, MaxNumberOfMessages=10).get("Messages"):
            told += [message["Body"] for message in messages]
        assert sum('"ObjectCreated:Put"' in body for body in told) == len(keys)
        assert sum("s3:TestEvent" in body for body in told) == 2  # at the first start, a prefix each
        client.close()
        sqs.close()


def test_a_killed_emulator_loses_a_moment_at_most(tmp_path: Path) -> None:
    with running_emulator(tmp_path / "store", log=tmp_path / "log") as emulator:
        create_tables(emulator.endpoint_url, TEMPLATE)
        put(emulator.endpoint_url, "a second ago")
        time.sleep(1)
        assert not emulator.has_ended()
        os.kill(emulator.pid, signal.SIGKILL)
        assert eventually(emulator.has_ended)
    with running_emulator(tmp_path / "store", log=tmp_path / "log") as emulator:
        assert value(emulator.endpoint_url) == "a second ago"


def test_ctrl_c_at_the_terminal_is_not_for_the_emulator(tmp_path: Path) -> None:
    with running_emulator(None, log=tmp_path / "log") as emulator:
        assert os.getsid(emulator.pid) == emulator.pid


def test_one_that_does_not_react_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator_module, "_STOP_SECONDS", 0.2)
    with running_emulator(None, log=tmp_path / "log") as emulator:
        os.kill(emulator.pid, signal.SIGSTOP)
    assert not is_alive(emulator.pid)


def test_a_start_that_is_no_longer_wanted(tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        pytest.raises(StartCancelled),
        running_emulator(tmp_path / "store", log=tmp_path / "log", cancelled=lambda: True),
    ):
        pass
    assert time.monotonic() - began < 2
    with running_emulator(tmp_path / "store", log=tmp_path / "log"):  # its lock is free
        pass


def test_a_start_that_fails_names_the_log(tmp_path: Path) -> None:
    log = tmp_path / "emulator.log"
    with (
        pytest.raises(EmulatorFailed, match=str(log)),
        running_emulator(None, log=log, environment={"MINISTACK_WORKER_THREADS": "none"}),
    ):
        pass


def test_no_web_page_reaches_it_and_nothing_runs_in_it(tmp_path: Path) -> None:
    """What a browser sends without asking first: a text/plain POST that would make a function, and call it."""
    with running_emulator(None, log=tmp_path / "log") as emulator:
        for path in ("/2015-03-31/functions", "/2015-03-31/functions/evil/invocations", "/", "/bucket"):
            headers = {"Origin": "https://page.example", "Content-Type": "text/plain"}
            answer = requests.post(emulator.endpoint_url + path, data="{}", headers=headers, timeout=10)
            assert (answer.status_code, answer.content) == (403, b"")
            rebound = requests.post(emulator.endpoint_url + path, headers={"Host": "page.example"}, timeout=10)
            assert rebound.status_code == 403
        answer = requests.post(emulator.endpoint_url + "/2015-03-31/functions", data="{}", timeout=10)
        assert answer.status_code == 400  # there is no such service
