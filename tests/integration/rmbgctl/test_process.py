"""The installed command as a process of its own: its name, its statuses, its streams."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.rmbgctl.conftest import Operator


def test_a_user_with_a_key_from_any_folder(operator: "Operator") -> None:
    created = operator.process("--local", "--json", "user", "create", "--email", "üser@example.com", LC_ALL="C")
    assert (created.returncode, created.stderr) == (0, "")
    uid = json.loads(created.stdout)["user_id"]
    shown = operator.process("user", "show", "--user", uid, "--local", "--json")
    assert json.loads(shown.stdout)["email"] == "üser@example.com"
    unknown = operator.process("--local", "user", "show", "--user", "usr_nobody")
    assert (unknown.returncode, unknown.stdout) == (3, "")
    assert unknown.stderr == "rmbgctl: there is no user usr_nobody\n"


def test_a_letter_that_the_terminal_does_not_have_is_escaped(operator: "Operator") -> None:
    uid = operator.user(email="用户@example.com")
    for options in ([], ["--json"]):
        shown = operator.process("--local", *options, "user", "show", "--user", uid, PYTHONIOENCODING="latin-1")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "\\u7528\\u6237@example.com" in shown.stdout
        assert not options or json.loads(shown.stdout)["email"] == "用户@example.com"


def test_wrong_arguments_and_no_service(operator: "Operator", tmp_path: Path) -> None:
    wrong = operator.process("user", "create")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("usage: rmbgctl")
    nobody = operator.process("--local", "user", "show", "--user", "U", STATE_DIR=str(tmp_path))
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr.startswith("rmbgctl: `make run` is not running here")


def test_arguments_that_are_no_utf_8_are_no_traceback(operator: "Operator") -> None:
    for arguments in (
        (b"user", b"show", b"--user", b"\xff\xfe"),
        (b"user", b"create", b"--email", b"\xff@example.com"),
        (b"user", b"create", b"--email", b"a@example.com", b"--reason", b"\xff"),
    ):
        ended = operator.process(b"--local", *arguments)
        assert ended.returncode in (1, 2, 3)
        assert "Traceback" not in ended.stderr
        assert ended.stdout == ""
