"""Where the machine's own container engine answers, none is started, and the lab still has its folder."""

from pathlib import Path

import pytest

from tools.lab import engine


def test_the_machine_s_own_engine_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = tmp_path / "cache" / "lab"
    monkeypatch.setattr(engine, "STATE", state)
    monkeypatch.setattr(engine, "answers", lambda environment: environment == {})
    with engine.container_engine() as environment:
        assert environment == {}
        assert state.is_dir()
