"""A late client is made by its first operation, once."""

import pytest

from rmbg.storage.late import LateClient


class Client:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_item(self, **request: str) -> str:
        self.asked.append(request["TableName"])
        return "item"


def test_it_is_made_by_the_first_operation_and_never_again() -> None:
    made: list[Client] = []

    def make() -> Client:
        made.append(Client())
        return made[-1]

    late = LateClient(make)
    assert made == []
    assert [late.get_item(TableName="a"), late.get_item(TableName="b")] == ["item", "item"]
    assert [client.asked for client in made] == [["a", "b"]]


def test_what_the_client_lacks_it_lacks_too() -> None:
    with pytest.raises(AttributeError, match="put_item"):
        _ = LateClient(Client).put_item


def test_one_that_cannot_be_made_is_tried_again_by_the_next_operation() -> None:
    attempts = []

    def make() -> Client:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("no region")
        return Client()

    late = LateClient(make)
    with pytest.raises(RuntimeError):
        _ = late.get_item
    assert late.get_item(TableName="a") == "item"
