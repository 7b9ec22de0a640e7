"""The client of Stripe's API, against a small Stripe over HTTP."""

import socket
import threading
from collections.abc import Iterator

import pytest
import urllib3

from rmbg.storage.stripe_api import StripeApi, StripeUnavailable
from tests.integration.accounts.books import Clock
from tests.integration.stripe.desk import Desk, Ticking
from tests.support.memory import memory_store
from tests.support.stripe_server import KEY, StripeServer
from tests.support.stripe_world import PREMIUM, StripeWorld, catalogue

START = 1_769_860_800


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting between tries is only noted."""
    waits: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waits.append)
    return waits


@pytest.fixture
def world() -> StripeWorld:
    world = StripeWorld(1, START)
    customer = world.create_customer("user-1")
    world.subscribe(customer, PREMIUM)
    world.buy_pack(customer, "pack_2000")
    world.refund_charge(world.ids("charges")[-1], 500)
    world.open_dispute(world.ids("charges")[0])
    return world


@pytest.fixture
def server(world: StripeWorld) -> Iterator[StripeServer]:
    with StripeServer(world) as server:
        yield server


@pytest.fixture
def api(server: StripeServer) -> StripeApi:
    return StripeApi(KEY, server.url)


KINDS = [
    ("subscription", "subscriptions"),
    ("invoice", "invoices"),
    ("charge", "charges"),
    ("refund", "refunds"),
    ("dispute", "disputes"),
    ("customer", "customers"),
    ("checkout.session", "sessions"),
]


@pytest.mark.parametrize(("kind", "held"), KINDS)
def test_objects_as_they_are_now(api: StripeApi, world: StripeWorld, kind: str, held: str) -> None:
    identifier = world.ids(held)[0]
    found = api.fetch(kind, identifier)
    assert found is not None
    assert (found["id"], found["object"]) == (identifier, kind)


def test_an_event(api: StripeApi, world: StripeWorld) -> None:
    found = api.fetch("event", world.events[0]["id"])
    assert found == world.events[0]


def test_a_session_comes_with_its_line_items(api: StripeApi, world: StripeWorld) -> None:
    found = api.fetch("checkout.session", world.ids("sessions")[-1])
    assert found is not None
    assert found["line_items"]["data"]


@pytest.mark.parametrize(("kind", "_held"), KINDS)
def test_what_is_not_there(api: StripeApi, kind: str, _held: str) -> None:
    assert api.fetch(kind, "x_1") is None


@pytest.mark.parametrize("identifier", ["", "a/b", "../customers", "a?b=c", "a#b", "\N{SNOWMAN}", "a b"])
def test_odd_ids_lead_nowhere_else(api: StripeApi, server: StripeServer, identifier: str) -> None:
    assert api.fetch("subscription", identifier) is None
    assert all(path.startswith("/v1/subscriptions/") and path.count("/") == 3 for path in server.requests)


def test_unknown_kinds_are_not_asked_for(api: StripeApi, server: StripeServer) -> None:
    assert api.fetch("payout", "po_1") is None
    assert not server.requests


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_is_told_without_the_key_and_not_repeated(api: StripeApi, server: StripeServer, status: int) -> None:
    server.fail(status)
    with pytest.raises(StripeUnavailable) as raised:
        api.fetch("charge", "ch_1")
    assert str(status) in str(raised.value)
    assert KEY not in str(raised.value)
    assert len(server.requests) == 1


def test_a_wrong_key(server: StripeServer) -> None:
    with pytest.raises(StripeUnavailable) as raised:
        StripeApi("sk_test_wrong", server.url).fetch("charge", "ch_1")
    assert "sk_test_wrong" not in repr(raised.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_short_failure_is_borne(
    api: StripeApi, server: StripeServer, world: StripeWorld, impatient: list[float], status: int
) -> None:
    server.fail(status, 1)
    identifier = world.ids("charges")[0]
    found = api.fetch("charge", identifier)
    assert found is not None
    assert found["id"] == identifier
    assert len(server.requests) == 2
    assert sum(impatient) <= 10


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_long_failure_is_not(api: StripeApi, server: StripeServer, status: int) -> None:
    server.fail(status)
    with pytest.raises(StripeUnavailable):
        api.fetch("charge", "ch_1")
    assert len(server.requests) == 2  # the queue delivers it again, later than we could wait


def test_nobody_answers() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(StripeUnavailable) as raised:
        StripeApi(KEY, f"http://127.0.0.1:{port}").fetch("charge", "ch_1")
    assert KEY not in str(raised.value)


def test_an_answer_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is taken and nothing said."""
    monkeypatch.setattr("rmbg.storage.stripe_api._READ_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = StripeApi(KEY, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StripeUnavailable):
            api.fetch("charge", "ch_1")


ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot JSON!",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    b"nonsense\r\n\r\n",
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_that_are_none(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(4):
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        api = StripeApi(KEY, f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(StripeUnavailable):
            api.fetch("charge", "ch_1")
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_all_subscriptions_of_a_customer(api: StripeApi, server: StripeServer, world: StripeWorld) -> None:
    customer = world.create_customer("user-2")
    made = [world.subscribe(customer, PREMIUM) for _ in range(205)]
    assert made
    mine = [each["id"] for each in world.subscriptions_of(customer, "all")]
    world.cancel_now(mine[0])
    assert [each["id"] for each in api.subscriptions(customer)] == mine
    assert len(server.requests) == 3
    assert api.subscriptions("cus_nobody") == []


def test_a_story_over_http(server: StripeServer, world: StripeWorld) -> None:
    """The worker over the client: the account is what Stripe has."""
    desk = Desk(memory_store(), objects=StripeApi(KEY, server.url), catalogue=catalogue(), clock=Clock(START))
    desk.uid = "user-1"
    for event in world.events:
        desk.worker.apply(event)
    assert desk.account.plan == PREMIUM.id
    assert desk.prepaid == 1500
    assert Ticking(desk.clock)() >= START


def test_the_client_asks_as_stripe_wants_it(server: StripeServer) -> None:
    assert urllib3.PoolManager().request("GET", f"{server.url}/v1/charges/ch_1").status == 401
    with pytest.raises(StripeUnavailable):
        StripeApi("", server.url).fetch("charge", "ch_1")


def test_nobody_waits_as_long_as_stripe_asks_for(impatient: list[float]) -> None:
    """The function's time is short; the queue delivers the event again."""
    answer = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(StripeUnavailable):
            StripeApi(KEY, f"http://127.0.0.1:{server.getsockname()[1]}").fetch("charge", "ch_1")
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    assert sum(impatient) <= 5
