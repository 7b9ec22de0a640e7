"""Which store rmbgctl works on, and what it says where there is none: a sentence and status 1, never a traceback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from tools.rmbgctl import target
from tools.rmbgctl.main import main

SHOW = ["user", "show", "--user", "U"]


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    output = capsys.readouterr()
    return status, output.out, output.err


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.delenv("CATALOGUE", raising=False)
    return tmp_path


# --local


def test_local_without_a_running_service(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(capsys, "--local", *SHOW) == (
        1,
        "",
        "rmbgctl: `make run` is not running here: start it, or set STATE_DIR as it has it\n",
    )


def test_local_with_a_state_folder_that_is_not_there(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATE_DIR", str(state / "nowhere"))
    assert outcome(capsys, "--local", *SHOW)[0] == 1


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "JSONDecodeError"),
        ("{", "JSONDecodeError"),
        ("[]", "TypeError"),
        ("{}", "KeyError"),
        ('"text"', "TypeError"),
        ('{"endpoint_url": "http://127.0.0.1:1"}', "KeyError"),
        ('{"endpoint_url": "nonsense", "core_table": "a", "ephemeral_table": "b"}', "ValueError"),
    ],
)
def test_local_with_a_file_that_cannot_be_read(
    state: Path, content: str, cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (state / "store.json").write_text(content)
    message = f"rmbgctl: store.json of `make run` cannot be read ({cause}): start it again\n"
    assert outcome(capsys, "--local", *SHOW) == (1, "", message)


def test_local_with_a_folder_in_the_file_s_place(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state / "store.json").mkdir()
    assert "IsADirectoryError" in outcome(capsys, "--local", *SHOW)[2]


def test_local_looks_into_the_state_folder_from_the_project_s_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "ROOT", Path("/nowhere"))
    monkeypatch.delenv("STATE_DIR", raising=False)
    with pytest.raises(target.NoStore, match="not running"):
        target.local_store()


# a deployed stack


class Client:
    """CloudFormation with one stack, or with a failure."""

    def __init__(self, outputs: dict[str, str] | None = None, failure: Exception | None = None) -> None:
        self.outputs, self.failure = outputs, failure
        self.asked: list[str] = []

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - the SDK's name
        self.asked.append(StackName)
        if self.failure:
            raise self.failure
        if self.outputs is None:
            return {"Stacks": [{}]}
        return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]}]}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Callable[[Client | Exception], None]:
    def install(client: Client | Exception) -> None:
        def make(service: str) -> Any:
            if isinstance(client, Exception):
                raise client
            return client if service == "cloudformation" else service

        monkeypatch.setattr(boto3, "client", make)

    return install


@pytest.mark.parametrize(
    ("arguments", "stack"), [([], "rmbg"), (["--stack", "other"], "other"), (["--stack", ""], "rmbg")]
)
def test_a_stack_s_tables_are_its_outputs(
    aws: Callable[[Client], None], arguments: list[str], stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client({"CoreTable": "core-1", "EphemeralTable": "eph-1", "ApiUrl": "x"})
    aws(client)
    found = target.deployed_store(stack)
    assert (found.core, found.ephemeral) == ("core-1", "eph-1")
    opened: list[str] = []

    def open_store(name: str) -> Any:
        opened.append(name)
        raise target.NoStore("enough")

    monkeypatch.setattr("tools.rmbgctl.main.deployed_store", open_store)
    assert main([*arguments, *SHOW]) == 1
    assert opened == [stack]


@pytest.mark.parametrize("outputs", [None, {}, {"ApiUrl": "x"}, {"CoreTable": "core"}])
def test_a_stack_of_something_else(
    aws: Callable[[Client], None], outputs: dict[str, str] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    aws(Client(outputs))
    status, out, err = outcome(capsys, "--stack", "other", *SHOW)
    assert (status, out) == (1, "")
    missing = "EphemeralTable" if outputs == {"CoreTable": "core"} else "CoreTable"
    assert err == f"rmbgctl: the stack other has no output '{missing}': is it one of rmbg, and of this version?\n"


@pytest.mark.parametrize(
    "failure",
    [
        ClientError(
            {"Error": {"Code": "ValidationError", "Message": "Stack with id x does not exist"}}, "DescribeStacks"
        ),
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks"),
        NoCredentialsError(),
        NoRegionError(),
        EndpointConnectionError(endpoint_url="https://cloudformation"),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_stack_that_cannot_be_asked(
    aws: Callable[[Client | Exception], None], failure: Exception, at_once: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    aws(failure if at_once else Client(failure=failure))
    status, out, err = outcome(capsys, "--json", *SHOW)
    assert (status, out) == (1, "")
    assert err == f"rmbgctl: AWS: {failure} (the store of `make run` is --local)\n"


def test_a_catalogue_that_cannot_be_read(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = {"endpoint_url": "http://127.0.0.1:1", "core_table": "a", "ephemeral_table": "b"}
    (state / "store.json").write_text(json.dumps(store))
    monkeypatch.setenv("CATALOGUE", str(state / "none.json"))
    status, out, err = outcome(capsys, "--local", *SHOW)
    assert (status, out) == (1, "")
    assert err.startswith("rmbgctl: the catalogue none.json: ")
