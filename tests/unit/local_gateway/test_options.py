"""What `make run` takes from its environment."""

from pathlib import Path

import pytest

from tools.local_gateway.options import InvalidOption, Options, read_options


def test_defaults_also_for_what_make_exports_empty() -> None:
    expected = Options(port=3000, model="isnet-general-use", state_dir=Path(".local"), aws_limits=False)
    assert read_options({}) == expected
    assert read_options({"PORT": "", "MODEL": "", "STATE_DIR": "", "AWS_LIMITS": ""}) == expected


@pytest.mark.parametrize("port", ["1", "3001", "65535"])
def test_ports(port: str) -> None:
    assert read_options({"PORT": port}).port == int(port)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "+80", "80a", "3000 ", "٣", "1" * 5000, "http"])
def test_no_ports(port: str) -> None:
    with pytest.raises(InvalidOption):
        read_options({"PORT": port})


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("true", True), ("TRUE", True), ("0", False)])
def test_aws_limits(text: str, expected: bool) -> None:
    assert read_options({"AWS_LIMITS": text}).aws_limits is expected


def test_no_aws_limits() -> None:
    with pytest.raises(InvalidOption):
        read_options({"AWS_LIMITS": "perhaps"})
