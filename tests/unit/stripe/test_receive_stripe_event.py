"""The receiver of Stripe's deliveries: what it takes, and how it refuses the rest."""

import base64
import importlib
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from rmbg.errors import PublicError
from rmbg.services.receive_stripe_event import ReceiveStripeEvent
from rmbg.storage.queues import Queue, QueueUnavailable
from rmbg.storage.secrets import SecretsUnavailable, read_secrets
from tests.support.events import Context, proxy_event
from tools.stripe_events.sign import signature_header

NOW = 1_794_306_600
SECRET = "whsec_first"
BODY = b'{"id": "evt_1", "type": "invoice.paid", "note": "\xc3\xa9"}'


class Sent:
    """A queue that keeps what it is sent, or is down."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.down = False

    def send(self, body: str) -> None:
        if self.down:
            raise QueueUnavailable
        self.bodies.append(body)


class Secrets:
    """Secrets as they are remembered, and as they are."""

    def __init__(self, remembered: tuple[str, ...], fresh: tuple[str, ...]) -> None:
        self.remembered = remembered
        self.fresh = fresh
        self.asked: list[bool] = []

    def __call__(self, fresh: bool) -> tuple[str, ...]:
        self.asked.append(fresh)
        return self.fresh if fresh else self.remembered


class Clock:
    now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def queue() -> Sent:
    return Sent()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secrets() -> Secrets:
    return Secrets((SECRET,), (SECRET,))


@pytest.fixture
def receiver(queue: Sent, secrets: Secrets, clock: Clock) -> ReceiveStripeEvent:
    return ReceiveStripeEvent(lambda: queue, secrets, clock)


def signed(body: bytes, at: int = NOW, secret: str = SECRET) -> tuple[bytes, str]:
    return body, signature_header(body, secret, at)


def refusal(receiver: ReceiveStripeEvent, body: bytes, header: str) -> PublicError:
    with pytest.raises(PublicError) as raised:
        receiver.receive(body, header)
    return raised.value


def test_what_is_signed_is_queued(receiver: ReceiveStripeEvent, queue: Sent) -> None:
    receiver.receive(*signed(BODY))
    assert [json.loads(body) for body in queue.bodies] == [json.loads(BODY)]


def test_a_character_that_no_message_may_hold_is_escaped(receiver: ReceiveStripeEvent, queue: Sent) -> None:
    document = {"id": "evt_1", "type": "x", "data": {"object": {"name": "\ufffe\uffff\x00é"}}}
    receiver.receive(*signed(json.dumps(document, ensure_ascii=False).replace("\x00", "\\u0000").encode()))
    (body,) = queue.bodies
    assert body.isascii()
    assert json.loads(body) == document


def test_of_an_event_too_large_for_the_queue_its_object_s_id_is_left(receiver: ReceiveStripeEvent, queue: Sent) -> None:
    subject = {"id": "in_1", "object": "invoice", "lines": ["x" * 100] * 3000}
    document = {"id": "evt_1", "type": "invoice.paid", "created": 7, "livemode": True, "data": {"object": subject}}
    receiver.receive(*signed(json.dumps(document).encode()))
    (body,) = queue.bodies
    kept = {"id": "in_1", "object": "invoice"}
    assert json.loads(body) == {**document, "data": {"object": kept}}


@pytest.mark.parametrize("header", ["", "t=1", "nonsense", f"t={NOW},v1=00", "x" * 100_000])
def test_what_is_not_signed_is_refused(receiver: ReceiveStripeEvent, queue: Sent, header: str) -> None:
    error = refusal(receiver, BODY, header)
    assert (error.status, error.message, error.headers) == (400, "Invalid signature", {})
    assert not queue.bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b'{"id": "evt_1", "type": "x", "note": "\xff"}',
        b"\xef\xbb\xbf" + BODY,
        b"not JSON",
        b"null",
        b"[]",
        b'"evt_1"',
        b"1",
        b'[{"id": "evt_1", "type": "x"}]',
        b"{}",
        b'{"type": "invoice.paid"}',
        b'{"id": "evt_1"}',
        b'{"id": "", "type": "invoice.paid"}',
        b'{"id": "evt_1", "type": ""}',
        b'{"id": 1, "type": "invoice.paid"}',
        b'{"id": null, "type": "invoice.paid"}',
        b'{"id": ["evt_1"], "type": "invoice.paid"}',
        b'{"id": "evt_1", "type": {"a": 1}}',
        b'{"id": "' + b"e" * 256 + b'", "type": "invoice.paid"}',
        b'{"id": "evt_1", "type": "x"} trailing',
        b'{"id": "evt_1", "type": "x"',
        b'{"id": "evt_1", "type": "x", "n": ' + b"9" * 10_000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_signed_and_no_event_is_refused(receiver: ReceiveStripeEvent, queue: Sent, body: bytes) -> None:
    error = refusal(receiver, *signed(body))
    assert (error.status, error.message) == (400, "Invalid payload")
    assert not queue.bodies


def test_an_id_of_255_characters_is_one(receiver: ReceiveStripeEvent, queue: Sent) -> None:
    receiver.receive(*signed(b'{"id": "' + b"e" * 255 + b'", "type": "x"}'))
    assert len(queue.bodies) == 1


def test_the_queue_being_down_lets_stripe_send_again(receiver: ReceiveStripeEvent, queue: Sent) -> None:
    queue.down = True
    error = refusal(receiver, *signed(BODY))
    assert error.status == 503
    assert int(error.headers["Retry-After"]) >= 1
    queue.down = False
    receiver.receive(*signed(BODY))
    assert len(queue.bodies) == 1


def test_a_rolled_secret_is_found_at_once(receiver: ReceiveStripeEvent, queue: Sent, secrets: Secrets) -> None:
    secrets.fresh = ("whsec_new", SECRET)
    receiver.receive(*signed(BODY, secret="whsec_new"))
    assert secrets.asked == [False, True]
    assert len(queue.bodies) == 1


def test_fresh_secrets_are_asked_for_once_a_minute_at_most(
    receiver: ReceiveStripeEvent, secrets: Secrets, clock: Clock
) -> None:
    for _ in range(50):
        refusal(receiver, BODY, f"t={int(clock.now)},v1=00")
        clock.now += 1.1
    assert secrets.asked.count(True) == 1
    clock.now = NOW + 60.0
    refusal(receiver, BODY, f"t={int(clock.now)},v1=00")
    assert secrets.asked.count(True) == 2


def test_what_is_signed_well_never_asks_for_fresh_secrets(receiver: ReceiveStripeEvent, secrets: Secrets) -> None:
    for _ in range(5):
        receiver.receive(*signed(BODY))
    assert True not in secrets.asked


def test_secrets_that_cannot_be_read_are_no_refusal_of_the_event(queue: Sent) -> None:
    def unavailable(_: bool) -> tuple[str, ...]:
        raise SecretsUnavailable

    error = refusal(ReceiveStripeEvent(lambda: queue, unavailable, Clock()), *signed(BODY))
    assert error.status == 503
    assert "Retry-After" in error.headers


@pytest.mark.parametrize(
    ("source", "secrets"),
    [
        ("", ()),
        ("whsec_1", ("whsec_1",)),
        ("whsec_1,whsec_2", ("whsec_1", "whsec_2")),
        (" whsec_1 ,, whsec_2\n", ("whsec_1", "whsec_2")),
    ],
)
def test_several_secrets_in_one_value(source: str, secrets: tuple[str, ...]) -> None:
    assert read_secrets(source) == secrets
    assert read_secrets(source, fresh=True) == secrets


def test_without_a_secret_nothing_is_signed(queue: Sent) -> None:
    receiver = ReceiveStripeEvent(lambda: queue, lambda _: (), Clock())
    assert refusal(receiver, *signed(BODY, secret="")).status == 400


class BrokenClient:
    """An SQS client that does not get through."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send_message(self, **_: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "SendMessage"),
        ClientError({"Error": {"Code": "InvalidParameterValue", "Message": "too long"}}, "SendMessage"),
    ],
)
def test_a_queue_that_refuses_is_unavailable(error: Exception) -> None:
    with pytest.raises(QueueUnavailable) as raised:
        Queue(BrokenClient(error), "http://127.0.0.1:1/q").send("{}")
    assert raised.value.status == 503


# --- the function around it


@pytest.fixture(scope="module")
def function() -> Iterator[ModuleType]:
    patch = pytest.MonkeyPatch()
    patch.setenv("STRIPE_WEBHOOK_SECRETS", f"{SECRET},whsec_second")
    patch.setenv("STRIPE_EVENTS_QUEUE_URL", "http://127.0.0.1:1/queue")
    yield importlib.import_module("functions.stripe_webhook.handler")
    patch.undo()


@pytest.fixture
def sent(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Sent:
    queue = Sent()
    receiver = ReceiveStripeEvent(lambda: queue, lambda fresh: read_secrets(function.SETTINGS.secrets), Clock())
    monkeypatch.setattr(function, "RECEIVER", receiver)
    return queue


def post(function: ModuleType, body: bytes | None, header: str, *, name: str = "Stripe-Signature", **how: Any) -> Any:
    result = function.handler(proxy_event("POST", "/webhooks/stripe", body, {name: header}, **how), Context())
    assert result["multiValueHeaders"]["Content-Type"] == ["application/json"]
    return result


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("name", ["Stripe-Signature", "stripe-signature", "STRIPE-SIGNATURE"])
def test_a_delivery_is_answered_200(function: ModuleType, sent: Sent, encoded: bool, name: str) -> None:
    result = post(function, *signed(BODY), name=name, encoded=encoded)
    assert (result["statusCode"], json.loads(result["body"])) == (200, {"received": True})
    assert [json.loads(body) for body in sent.bodies] == [json.loads(BODY)]


@pytest.mark.parametrize("secret", [SECRET, "whsec_second"])
def test_each_configured_secret_counts(function: ModuleType, sent: Sent, secret: str) -> None:
    assert post(function, *signed(BODY, secret=secret))["statusCode"] == 200


@pytest.mark.parametrize(
    ("body", "header", "message"),
    [
        (BODY, "", "Invalid signature"),
        (BODY, "t=1,v1=2", "Invalid signature"),
        (BODY, signature_header(BODY, SECRET, NOW - 301), "Invalid signature"),
        (BODY, signature_header(BODY, SECRET, NOW + 301), "Invalid signature"),
        (BODY + b" ", signature_header(BODY, SECRET, NOW), "Invalid signature"),
        (None, signature_header(b"", SECRET, NOW), "Invalid payload"),
        (b"\xff", signature_header(b"\xff", SECRET, NOW), "Invalid payload"),
        (b"[]", signature_header(b"[]", SECRET, NOW), "Invalid payload"),
    ],
)
def test_every_failure_is_400_in_the_usual_form(
    function: ModuleType, sent: Sent, body: bytes | None, header: str, message: str
) -> None:
    result = post(function, body, header)
    assert result["statusCode"] == 400
    assert json.loads(result["body"]) == {"error": message, "status": 400}
    assert not sent.bodies


def test_a_body_that_claims_to_be_base64_and_is_not(function: ModuleType, sent: Sent) -> None:
    event = proxy_event("POST", "/webhooks/stripe", BODY, {"Stripe-Signature": signed(BODY)[1]})
    event["body"] = "%%%"
    assert function.handler(event, Context())["statusCode"] == 400
    event["body"] = base64.b64encode(BODY).decode()
    assert function.handler(event, Context())["statusCode"] == 200


def test_a_queue_that_is_down_is_503(function: ModuleType, sent: Sent) -> None:
    sent.down = True
    result = post(function, *signed(BODY))
    assert result["statusCode"] == 503
    assert json.loads(result["body"]) == {"error": "Service unavailable", "status": 503}
    assert int(result["multiValueHeaders"]["Retry-After"][0]) >= 1
