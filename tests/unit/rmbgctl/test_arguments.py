"""rmbgctl's arguments: every command takes exactly its own, and the common ones before or after it."""

import argparse
from collections.abc import Sequence

import pytest

from tools.rmbgctl.arguments import parser

COMMANDS = {
    "user create": ["--email", "a@b.c"],
    "user show": ["--user", "U"],
    "user suspend": ["--user", "U"],
    "user resume": ["--user", "U"],
    "user verify-email": ["--user", "U"],
    "key issue": ["--user", "U"],
    "key rotate": ["--user", "U"],
    "key revoke": ["--key-id", "K"],
    "credits grant": ["--user", "U", "--amount", "7"],
    "credits deduct": ["--user", "U", "--amount", "7"],
    "plan set": ["--user", "U", "--plan", "P"],
    "events replay": [],
}
COMMON = {
    "--local": ([], "local", True),
    "--stack": (["other"], "stack", "other"),
    "--json": ([], "json", True),
    "--op-id": (["op-1"], "op_id", "op-1"),
    "--reason": (["because of this"], "reason", "because of this"),
}


def parsed(*arguments: str) -> argparse.Namespace:
    return parser().parse_args(arguments)


def refused(arguments: Sequence[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parser().parse_args(arguments)
    assert raised.value.code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_with_its_arguments(command: str) -> None:
    options = vars(parsed(*command.split(), *COMMANDS[command]))
    thing, action = command.split()
    expected: dict[str, object] = {"thing": thing, "action": action}
    if command == "user create":
        expected |= {"email": "a@b.c", "verified": False, "plan": None}
    if "--user" in COMMANDS[command]:
        expected["user"] = "U"
    if "--amount" in COMMANDS[command]:
        expected["amount"] = 7
    if command == "plan set":
        expected["plan"] = "P"
    if command == "key revoke":
        expected["key_id"] = "K"
    assert options == expected


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_without_one_of_its_arguments_is_a_mistake(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    own = COMMANDS[command]
    for index in range(0, len(own), 2):
        refused([*command.split(), *own[:index], *own[index + 2 :]])
        output = capsys.readouterr()
        assert own[index] in output.err
        assert output.out == ""
        refused([*command.split(), *own[: index + 1], *own[index + 2 :]])  # the option without its value


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_no_other_s_arguments(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    takes = {*COMMANDS[command], *(("--verified", "--plan") if command == "user create" else ())}
    for foreign, value in (
        ("--email", "a@b.c"),
        ("--user", "U"),
        ("--key-id", "K"),
        ("--amount", "7"),
        ("--plan", "P"),
        ("--verified", ""),
        ("--unknown", "x"),
        ("extra", ""),
    ):
        if foreign not in takes:
            refused([*command.split(), *COMMANDS[command], foreign, *([value] if value else [])])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", COMMON)
def test_a_common_option_stands_before_or_after_the_command(command: str, option: str) -> None:
    values, name, expected = COMMON[option]
    given = [option, *values]
    for line in (
        [*given, *command.split(), *COMMANDS[command]],
        [*command.split(), *given, *COMMANDS[command]],
        [*command.split(), *COMMANDS[command], *given],
    ):
        assert getattr(parsed(*line), name) == expected


def test_what_stands_before_a_command_is_not_lost_to_what_stands_after_it() -> None:
    options = parsed("--json", "--op-id", "one", "key", "issue", "--user", "U", "--local", "--reason", "why")
    assert (options.json, options.op_id, options.local, options.reason) == (True, "one", True, "why")
    assert parsed("--op-id", "one", "key", "issue", "--user", "U", "--op-id", "two").op_id == "two"


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["user"],
        ["key"],
        ["credits"],
        ["plan"],
        ["nonsense"],
        ["user", "delete", "--user", "U"],
        ["user", "Show", "--user", "U"],
        ["show", "--user", "U"],
        ["--local"],
        ["--op-id"],
    ],
)
def test_what_is_no_command_is_a_mistake(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refused(line)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("usage: rmbgctl")


@pytest.mark.parametrize("text", ["1", "42", "1000000000", "0000000001"])
def test_an_amount(text: str) -> None:
    assert parsed("credits", "grant", "--user", "U", "--amount", text).amount == int(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "-0",
        "+5",
        "1.5",
        "1e3",
        "ten",
        "1_000",
        " 5",
        "5 ",
        "٥",
        "²",
        "1000000001",
        "0x10",
        "9" * 5000,
        "00000000001",
    ],
)
def test_an_amount_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(["credits", "deduct", "--user", "U", f"--amount={text}"])
    assert "a whole number from 1 to 1000000000 is expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "a", "@", "a@", "@b", "a b@c", "a@b c", "a@b@c", "a@b\n", "x" * 65 + "@b", "a@" + "x" * 256]
)
def test_an_address_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(["user", "create", f"--email={text}"])
    assert "not an email address" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["a@b", "o'hara+x@sub.example.com", "用户@例え.jp"])
def test_an_address(text: str) -> None:
    assert parsed("user", "create", "--email", text).email == text


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "é", "x" * 201])
def test_an_operation_id_that_is_none(text: str) -> None:
    refused(["key", "issue", "--user", "U", f"--op-id={text}"])
    assert parsed("key", "issue", "--user", "U", "--op-id", "x" * 200).op_id == "x" * 200


@pytest.mark.parametrize("line", [["--help"], ["user", "--help"], *([*name.split(), "--help"] for name in COMMANDS)])
def test_help_is_no_mistake(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parser().parse_args(line)
    assert raised.value.code == 0
    output = capsys.readouterr()
    assert output.out.startswith("usage: rmbgctl")
    assert output.err == ""


def test_the_exit_statuses_are_told() -> None:
    text = " ".join(parser().format_help().split())
    assert "Exit status: 0 done, 1 it failed, 2 wrong arguments, 3 no such user, key or plan." in text
