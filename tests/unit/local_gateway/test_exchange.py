"""Bodies are bounded at N-1, N and N+1, stalls end, and an answer always has its length."""

import asyncio
from typing import Any

import pytest

from tools.local_gateway.answers import Answer
from tools.local_gateway.asgi import Message
from tools.local_gateway.exchange import BodyTooLarge, ClientGone, ClientStalled, read_body, send_answer
from tools.local_gateway.settings import AWS_LIMITS, LOCAL_LIMITS, Limits, Settings

N = 1000
SETTINGS = Settings(limits=Limits(N, None, None), stall_seconds=0.05, body_seconds=0.2, linger_seconds=0.1)


def part(size: int, more: bool) -> Message:
    return {"type": "http.request", "body": bytes(size), "more_body": more}


class Client:
    """ASGI's receive and send, and what came over them; it falls silent when nothing is left to send."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        if not self.messages:
            await asyncio.sleep(60)
        await asyncio.sleep(0)
        return self.messages.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)


def read(client: Client, announced: int = 0) -> bytearray:
    return asyncio.run(read_body(client.receive, announced, SETTINGS))


@pytest.mark.parametrize("size", [0, N - 1, N])
def test_a_body_up_to_the_limit_passes(size: int) -> None:
    assert len(read(Client(part(size // 2, True), part(size - size // 2, False)), size)) == size


def test_an_announced_body_beyond_the_limit_is_refused_unread() -> None:
    client = Client(part(1, True))
    with pytest.raises(BodyTooLarge):
        read(client, N + 1)
    assert len(client.messages) == 1


def test_an_unannounced_body_is_refused_once_it_is_beyond_the_limit() -> None:
    client = Client(part(N, True), part(1, True), part(1, True), part(1, False))
    with pytest.raises(BodyTooLarge):
        read(client)
    assert len(client.messages) == 2


def test_silence_ends() -> None:
    with pytest.raises(ClientStalled):
        read(Client(part(1, True)))


def test_a_trickle_ends() -> None:
    class Trickle(Client):
        async def receive(self) -> Message:
            await asyncio.sleep(0.03)  # never long enough to be a stall
            return part(1, True)

    with pytest.raises(ClientStalled):
        read(Trickle())


def test_a_client_that_leaves() -> None:
    with pytest.raises(ClientGone):
        read(Client(part(1, True), {"type": "http.disconnect"}))


def send(answer: Answer, client: Client, *, linger: bool = False) -> tuple[dict[bytes, bytes], bytes]:
    asyncio.run(send_answer(answer, client.receive, client.send, SETTINGS, linger=linger))
    start, *bodies = client.sent
    assert start["status"] == answer.status
    assert [message["more_body"] for message in bodies] == [True] * (len(bodies) - 1) + [False]
    return dict(start["headers"]), b"".join(message["body"] for message in bodies)


@pytest.mark.parametrize("size", [0, 1, 1 << 18, (1 << 18) + 1, 1 << 20])
def test_an_answer_has_its_length(size: int) -> None:
    headers, body = send(Answer(200, [("X-A", "ü"), ("X-B", "→")], bytes(size)), Client())
    assert headers[b"content-length"] == str(size).encode()
    assert body == bytes(size)
    assert headers[b"X-A"] == "ü".encode("latin-1")
    assert headers[b"X-B"] == "→".encode()
    assert b"connection" not in headers


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_that_have_no_body_send_none(status: int) -> None:
    headers, body = send(Answer(status, [], b"text"), Client())
    assert body == b""
    assert b"content-length" not in headers


def test_a_refused_body_is_read_for_a_while_after_the_answer() -> None:
    client = Client(part(10, True), part(10, True), part(10, False), part(10, False))
    headers, body = send(Answer(413, [], b"no"), client, linger=True)
    assert headers[b"connection"] == b"close"
    assert body == b"no"
    assert len(client.messages) == 1


def test_a_refused_body_without_end_is_not_read_for_ever() -> None:
    class Endless(Client):
        async def receive(self) -> Message:
            await asyncio.sleep(0.001)
            return part(10, True)

    send(Answer(413, [], b"no"), Endless(), linger=True)


def test_a_client_that_takes_nothing_is_given_up() -> None:
    class Stuck(Client):
        async def send(self, message: Message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.sleep(60)

    stuck: Any = Stuck()
    with pytest.raises(ClientStalled):
        asyncio.run(send_answer(Answer(200, [], b"x"), stuck.receive, stuck.send, SETTINGS, linger=False))


def test_the_figures() -> None:
    assert Limits(body_bytes=100 * 1024 * 1024, event_bytes=None, answer_bytes=None) == LOCAL_LIMITS
    assert Limits(body_bytes=10 * 1024 * 1024, event_bytes=6_291_556, answer_bytes=6_291_556) == AWS_LIMITS
