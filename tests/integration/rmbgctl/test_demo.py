"""The user that `make run` has ready: the same one at each start, with a key that works."""

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rmbg.domain.keys import is_well_formed
from tools.local_store.demo import Demo, prepare_demo

if TYPE_CHECKING:
    from tests.integration.rmbgctl.conftest import Operator


@pytest.fixture(autouse=True)
def empty(operator: "Operator", monkeypatch: pytest.MonkeyPatch) -> None:
    operator.tables.clear()
    monkeypatch.setattr("tools.local_store.demo.dynamodb_client", lambda _: operator.client)


def prepared(operator: "Operator", state_dir: Path) -> Demo:
    tables = operator.tables
    return prepare_demo(
        endpoint_url=tables.endpoint_url,
        core_table=tables.core_table,
        ephemeral_table=tables.ephemeral_table,
        state_dir=state_dir,
    )


def live_keys(operator: "Operator", demo: Demo) -> list[str]:
    return [key["start"] for key in operator.show(demo.user_id)["keys"]]


def test_it_has_the_demo_plan_prepaid_credits_and_a_key(operator: "Operator", tmp_path: Path) -> None:
    demo = prepared(operator, tmp_path)
    shown = operator.show(demo.user_id)
    assert (demo.email, shown["email"], shown["email_verified"]) == ("demo@example.com", "demo@example.com", True)
    assert (shown["plan"], shown["usage"]["credits"], shown["prepaid_balance"]) == ("Demo", 18_500, 2000)
    assert is_well_formed(demo.api_key)
    assert live_keys(operator, demo) == [demo.api_key[:14]]
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_next_start_finds_it_as_it_was(operator: "Operator", tmp_path: Path) -> None:
    first = prepared(operator, tmp_path)
    operator.json("credits", "deduct", "--user", first.user_id, "--amount", "500")
    assert prepared(operator, tmp_path) == first
    assert operator.show(first.user_id)["prepaid_balance"] == 1500
    assert len(live_keys(operator, first)) == 1


@pytest.mark.parametrize(
    "content", [None, "", "{}", "[]", "null", '{"api_key": 7}', '{"api_key": "rmbg_live_x"}', "\x00"]
)
def test_a_key_that_was_forgotten_is_replaced(operator: "Operator", tmp_path: Path, content: str | None) -> None:
    first = prepared(operator, tmp_path)
    (file,) = tmp_path.iterdir()
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    second = prepared(operator, tmp_path)
    assert second.user_id == first.user_id
    assert second.api_key != first.api_key
    assert live_keys(operator, second) == [second.api_key[:14]]
    assert json.loads(file.read_text()) == {"api_key": second.api_key}


def test_a_key_that_was_revoked_or_is_another_store_s_is_replaced(operator: "Operator", tmp_path: Path) -> None:
    first = prepared(operator, tmp_path)
    operator.json("key", "revoke", "--key-id", operator.show(first.user_id)["keys"][0]["key_id"])
    second = prepared(operator, tmp_path)
    assert second.api_key != first.api_key
    operator.tables.clear()
    third = prepared(operator, tmp_path)
    assert third.user_id == first.user_id
    assert third.api_key not in (first.api_key, second.api_key)
    assert prepared(operator, tmp_path) == third


def test_another_catalogue_s_demo_plan_can_be_tried_on_the_same_store(
    operator: "Operator", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared(operator, tmp_path)
    plan = {"name": "Own", "included": 7, "burst": 1, "per_second": 1, "max_in_flight": 1}
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"free_plan": "Own", "demo_plan": "Own", "plans": [plan], "packs": []}))
    monkeypatch.setenv("CATALOGUE", str(own))
    second = prepared(operator, tmp_path)
    shown = operator.show(second.user_id)
    assert (shown["plan"], shown["usage"]["credits"]) == ("Own", 7)
    assert live_keys(operator, second) == [second.api_key[:14]]
    monkeypatch.delenv("CATALOGUE")
    third = prepared(operator, tmp_path)
    assert third.user_id == first.user_id
    assert operator.show(third.user_id)["plan"] == "Demo"
    assert live_keys(operator, third) == [third.api_key[:14]]
