"""The operator's tool, in this process and as one of its own, on an emulator that it finds as that of `make run`."""

import functools
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rmbg.observability import logger
from rmbg.storage import schema
from rmbg.storage.database import Database, Row
from rmbg.storage.expressions import get, query
from tests.support.store import Store, store
from tools.local_store import tables as local_tables
from tools.rmbgctl.main import main

ROOT = Path(__file__).resolve().parents[3]
# A client takes 0.1 seconds to make, and every run of the tool would make one.
client_of = functools.cache(local_tables.dynamodb_client)


@dataclass(frozen=True)
class Outcome:
    """What a person sees of a run."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object of `--json`."""
        assert (self.status, self.err) == (0, "")
        assert self.out.endswith("}\n")
        assert self.out.count("\n") == 1
        return json.loads(self.out)


class Operator:
    """Runs rmbgctl with --local and --json, and looks into the store behind its back."""

    def __init__(self, tables: Store, state_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.tables = tables
        self.state_dir = state_dir
        self._capsys = capsys
        self.client = client_of(tables.endpoint_url)
        self._database = Database(self.client)

    def run(self, *arguments: str) -> Outcome:
        """Exactly these arguments; argparse's own end is an outcome too."""
        self._capsys.readouterr()
        try:
            status = main(arguments)
        except SystemExit as ended:
            status = int(ended.code or 0)
        output = self._capsys.readouterr()
        return Outcome(status, output.out, output.err)

    def local(self, *arguments: str) -> Outcome:
        return self.run("--local", *arguments)

    def json(self, *arguments: str) -> Any:
        return self.run("--local", "--json", *arguments).json

    def fails(self, status: int, message: str, *arguments: str) -> None:
        """With this status and one line on standard error, with and without --json."""
        for options in ((), ("--json",)):
            assert self.run("--local", *options, *arguments) == Outcome(status, "", f"rmbgctl: {message}\n")

    def user(self, *arguments: str, email: str = "a@example.com") -> str:
        return str(self.json("user", "create", "--email", email, *arguments)["user_id"])

    def show(self, uid: str) -> Any:
        return self.json("user", "show", "--user", uid)

    def ledger(self, uid: str) -> list[Row]:
        pk = schema.account(uid).pk
        return self._database.query(query(self.tables.core_table, pk, "L#", "L#~"))

    def windows(self, uid: str) -> list[Row]:
        return self._database.query(query(self.tables.core_table, schema.account(uid).pk, "W#", "W#~"))

    def account(self, uid: str) -> Row:
        row = self._database.get(get(self.tables.core_table, schema.account(uid)))
        assert row
        return row

    def process(self, *arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[str]:
        """The installed command, from another folder."""
        return subprocess.run(
            [str(ROOT / ".venv" / "bin" / "rmbgctl"), *arguments],
            cwd=self.state_dir,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.state_dir),
                "STATE_DIR": str(self.state_dir),
                **environment,
            },
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=60,
        )


@pytest.fixture(scope="session")
def tables() -> Iterator[Store]:
    with store() as running:
        yield running


@pytest.fixture(scope="session")
def running_state_dir(tables: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make run` leaves it for this tool."""
    folder = tmp_path_factory.mktemp("state")
    names = {
        "endpoint_url": tables.endpoint_url,
        "core_table": tables.core_table,
        "ephemeral_table": tables.ephemeral_table,
        "base_url": "http://127.0.0.1:3000",
    }
    (folder / "store.json").write_text(json.dumps(names))
    return folder


@pytest.fixture
def operator(
    tables: Store, running_state_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Operator]:
    monkeypatch.setenv("STATE_DIR", str(running_state_dir))
    monkeypatch.delenv("CATALOGUE", raising=False)
    monkeypatch.setattr(local_tables, "dynamodb_client", client_of)
    level = logger.log_level
    yield Operator(tables, running_state_dir, capsys)
    logger.setLevel(level)
