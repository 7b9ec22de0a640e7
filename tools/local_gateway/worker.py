"""A worker: one process, one function, one call at a time, as a Lambda execution environment.

Started by `process` with the function's environment and nothing else. Standard output and error are the gateway's
standard error; frames have a socket of their own, so that a function may print whatever it likes.
"""

import argparse
import importlib
import io
import json
import os
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

from tools.local_gateway import frames
from tools.local_gateway.context import context_of
from tools.local_gateway.lifeline import end_with_parent

Handler = Callable[[Any, Any], Any]


class _Tolerant(io.FileIO):
    """Standard output or error whose reader may have gone: a function's logging must not fail its calls."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            return memoryview(data).nbytes


class _Channel:
    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        os.set_inheritable(descriptor, False)

    def read(self) -> tuple[dict[str, Any], bytearray]:
        """The next frame; EOFError when the gateway is gone."""
        meta_bytes, payload_bytes = frames.HEADER.unpack(self._read_exactly(frames.HEADER.size))
        return json.loads(self._read_exactly(meta_bytes)), self._read_exactly(payload_bytes)

    def write(self, meta: dict[str, Any], payload: bytes = b"") -> None:
        self._socket.sendall(frames.head(meta, len(payload)))
        self._socket.sendall(payload)

    def _read_exactly(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            received = self._socket.recv_into(view)
            if not received:
                raise EOFError
            view = view[received:]
        return data


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--entry", required=True)
    parser.add_argument("--timeout", type=float, required=True)
    parser.add_argument("--account-id", required=True)
    options = parser.parse_args(arguments)
    end_with_parent(whole_group=False)
    sys.stdout = io.TextIOWrapper(
        _Tolerant(1, "w", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True
    )
    sys.stderr = io.TextIOWrapper(
        _Tolerant(2, "w", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True
    )
    channel = _Channel(options.channel)
    try:
        handler = _load(options.entry)
    except BaseException as error:  # noqa: BLE001 - whatever a module does at import: the gateway must hear of it
        _print_traceback(error)
        channel.write({"kind": frames.INIT_ERROR, "message": f"{type(error).__name__}: {error}"[:1000]})
        return 1
    channel.write({"kind": frames.READY})
    while True:
        try:
            meta, payload = channel.read()
        except EOFError:
            return 0
        channel.write({"kind": frames.STARTED})
        channel.write(*_invoke(handler, meta, payload, options.timeout, options.account_id))


def _load(entry: str) -> Handler:
    module_name, _, attribute = entry.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module_name), attribute)
    return handler


def _invoke(
    handler: Handler, meta: dict[str, Any], payload: bytearray, timeout_seconds: float, account_id: str
) -> tuple[dict[str, Any], bytes]:
    """The frame that answers one call. SystemExit and its like pass: they end an execution environment on AWS too."""
    os.environ["_X_AMZN_TRACE_ID"] = meta["trace_id"]
    context = context_of(os.environ, account_id, meta["request_id"], timeout_seconds)
    try:
        event = json.loads(payload)
        del payload
        return _result(handler(event, context))
    except Exception as error:  # noqa: BLE001 - a function may raise anything
        _print_traceback(error)
        return {"kind": frames.ERROR, "error_type": type(error).__name__}, b""


def _result(answer: Any) -> tuple[dict[str, Any], bytes]:
    """Raises what JSON raises for an answer that is none. `answer_bytes` is the size of its whole JSON in UTF-8."""
    body = b""
    has_body = isinstance(answer, dict) and isinstance(answer.get("body"), str)
    answer_bytes = 0
    if has_body:
        body = answer["body"].encode()
        is_base64 = answer.get("isBase64Encoded") is True
        answer_bytes = len(body) if is_base64 else len(json.dumps(answer["body"], ensure_ascii=False).encode()) - 2
        answer = {**answer, "body": ""}
    answer_bytes += len(json.dumps(answer, ensure_ascii=False).encode())
    if has_body:
        del answer["body"]
    return {"kind": frames.RESULT, "answer": answer, "has_body": has_body, "answer_bytes": answer_bytes}, body


def _print_traceback(error: BaseException) -> None:
    traceback.print_exception(error)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
