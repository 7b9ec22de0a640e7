"""A worker sees what Lambda would give it, and nothing of this machine's."""

from pathlib import Path

import pytest

from tools.local_gateway.environment import worker_environment
from tools.local_gateway.template import Function

FUNCTION = Function(
    name="Hello",
    handler="handler.handler",
    entry="functions.hello.handler.handler",
    is_image=False,
    timeout_seconds=3,
    memory_mb=512,
    environment={"MODEL": "m", "AWS_REGION": "eu-west-1"},
)


def test_what_a_worker_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THIS_MACHINE", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a real one")
    monkeypatch.setenv("AWS_PROFILE", "production")
    environment = worker_environment(FUNCTION, Path("/root"))
    assert environment["MODEL"] == "m"
    assert environment["AWS_REGION"] == "eu-west-1"  # the template has the last word
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "Hello"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert environment["_HANDLER"] == "handler.handler"
    assert environment["PYTHONPATH"].startswith("/root/layers/core:/root:")
    assert environment["AWS_SECRET_ACCESS_KEY"] == "local"
    assert "SECRET_OF_THIS_MACHINE" not in environment
    assert "AWS_PROFILE" not in environment
