"""What can be said of the emulator without starting it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tools.local_store import emulator, emulator_process
from tools.local_store.emulator import running_emulator
from tools.local_store.emulator_process import PAGES, Saving, pages_of
from tools.local_store.errors import EmulatorFailed, StartCancelled, StateUnreadable
from tools.local_store.guard import Guard
from tools.local_store.install import install_emulator
from tools.local_store.state import locked


def test_one_that_is_not_installed_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "PYTHON", tmp_path / "python")
    with pytest.raises(EmulatorFailed, match=r"sh tools/side_venv.sh ministack"), running_emulator(None, log=tmp_path):
        pass


def test_a_kept_file_that_is_half_there_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "PYTHON", Path(__file__))
    with locked(tmp_path) as state:
        state.tables.mkdir()
        (state.tables / "dynamodb.json").write_text('{"half')
        with pytest.raises(StateUnreadable, match="FRESH=1"), running_emulator(state, log=state.log):
            pass
        assert (state.tables / "dynamodb.json").read_text() == '{"half'


def test_its_settings_are_not_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTH", "SERVICES", "PERSIST_STATE", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "USE_SSL"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    environment = emulator._environment(1, {"STATE_DIR": "/x"})
    assert not environment.keys() & {"AUTH", "PERSIST_STATE", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "USE_SSL"}
    assert environment["DOCKER_HOST"] == "unix:///dev/null/none"


def test_an_installation_that_fails_or_is_no_longer_wanted() -> None:
    with pytest.raises(EmulatorFailed, match="could not be installed"):
        install_emulator(cancelled=lambda: False, command=["sh", "-c", "exit 1"])
    with pytest.raises(StartCancelled):
        install_emulator(cancelled=lambda: True, command=["sleep", "60"])
    install_emulator(cancelled=lambda: False, command=["true"])


async def _app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


HOST = "127.0.0.1:4566"


def _status(guard: Guard, method: str, path: str, **headers: str) -> int:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    given = {"host": HOST, **headers}
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
    path, _, query = path.partition("?")
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": pairs}
    asyncio.run(guard(scope, send, send))  # type: ignore[arg-type]
    return int(sent[0]["status"])


def test_the_guard_tells_changes_and_lets_no_page_in() -> None:
    changes: list[int] = []
    guard = Guard(_app, lambda: changes.append(1), {HOST.encode()})
    target = "DynamoDB_20120810."
    assert _status(guard, "GET", "/_ministack/health") == 200
    assert _status(guard, "POST", "/", x_amz_target=target + "Query") == 200
    assert not changes
    assert _status(guard, "POST", "/", x_amz_target=target + "UpdateItem") == 200
    assert _status(guard, "PUT", "/bucket/key") == 200
    assert len(changes) == 2
    for reading in ("GetQueueAttributes", "ListQueues"):
        assert _status(guard, "POST", "/", x_amz_target="AmazonSQS." + reading) == 200
    assert len(changes) == 2
    assert _status(guard, "POST", "/_ministack/reset") == 403
    for page in ({"origin": "http://page.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}):
        assert _status(guard, "POST", "/", x_amz_target=target + "UpdateItem", **page) == 403
        assert _status(guard, "GET", "/bucket/key", **page) == 403
    for name in ("page.example:4566", "127.0.0.1:4567", "127.0.0.1", ""):
        assert _status(guard, "POST", "/", x_amz_target=target + "UpdateItem", host=name) == 403
    asyncio.run(guard.close())
    assert _status(guard, "POST", "/", x_amz_target=target + "UpdateItem") == 503
    assert len(changes) == 2


def test_what_a_page_may_do_is_a_change_whatever_it_says_of_itself() -> None:
    async def pages(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 403 if scope["path"] == "/" else 204, "headers": []})

    changes: list[int] = []
    guard = Guard(_app, lambda: changes.append(1), {HOST.encode()}, pages)
    assert _status(guard, "POST", "/", origin="null") == 403
    assert _status(guard, "GET", "/bucket/key", origin="null") == 204
    assert not changes
    assert _status(guard, "POST", "/bucket", origin="null", x_amz_target="DynamoDB_20120810.GetItem") == 204
    assert len(changes) == 1
    assert _status(guard, "POST", "/bucket", origin="null", host="page.example") == 403


def test_a_request_that_is_signed_twice_is_refused_as_by_s3() -> None:
    guard = Guard(_app, lambda: None, {HOST.encode()})
    assert _status(guard, "GET", "/bucket/key?X-Amz-Signature=0") == 200
    assert _status(guard, "GET", "/bucket/key", authorization="Bearer token") == 200
    assert _status(guard, "GET", "/bucket/key?X-Amz-Signature=0", authorization="Bearer token") == 400


def test_no_websocket_is_opened() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    guard = Guard(_app, lambda: None, {HOST.encode()})
    scope = {"type": "websocket", "path": "/", "query_string": b"", "headers": [(b"host", HOST.encode())]}
    asyncio.run(guard(scope, send, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_pages_need_to_be_told_where_and_by_whom() -> None:
    environment = dict.fromkeys(PAGES, "x")
    assert pages_of(environment, _app)
    for name in PAGES:
        assert pages_of({**environment, name: ""}, _app) is None
        assert pages_of({key: value for key, value in environment.items() if key != name}, _app) is None


@pytest.mark.parametrize(("answer", "is_change"), [(b"{}", False), (b'{"Messages": [{}]}', True)])
def test_only_a_poll_that_brings_messages_is_a_change(answer: bytes, is_change: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await _app(scope, receive, send)
        await send({"type": "http.response.body", "body": answer})

    changes: list[int] = []
    guard = Guard(app, lambda: changes.append(1), {HOST.encode()})
    assert _status(guard, "POST", "/", x_amz_target="AmazonSQS.ReceiveMessage") == 200
    assert bool(changes) == is_change


def test_many_changes_are_one_save(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator_process, "_SAVE_AFTER_SECONDS", 0.01)
    saves: list[int] = []

    async def change() -> None:
        saving = Saving(lambda: saves.append(1))
        saving.now()  # nothing yet
        task = asyncio.create_task(saving.run())
        for _ in range(10):
            saving.changed()
        await asyncio.sleep(0.1)
        saving.now()
        task.cancel()

    asyncio.run(change())
    assert len(saves) == 1
