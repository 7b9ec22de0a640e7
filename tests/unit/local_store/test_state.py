"""The store's folder: one user at a time, and nothing deleted that is not ours."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tools.local_store import state as state_module
from tools.local_store.errors import StartCancelled, StateInUse, StateNotOurs
from tools.local_store.state import locked


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "store"
    with locked(folder) as state:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert state.folder == folder


def test_a_second_user_is_told_at_once_who_has_it(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StateInUse, match=f"process {os.getpid()};"), locked(tmp_path):
        pass
    with locked(tmp_path):  # free again
        pass


@contextmanager
def still_writing(folder: Path) -> Iterator[IO[str]]:
    """The emulator of a run that was killed: its lock is left, and the run's is not."""
    with locked(folder):
        pass
    with (folder / ".rmbg-store-writers").open("r+") as emulator:
        fcntl.flock(emulator, fcntl.LOCK_EX)
        yield emulator


def test_what_a_killed_user_left_behind_is_waited_for(tmp_path: Path) -> None:
    asked: list[int] = []
    with still_writing(tmp_path) as emulator:

        def end_at_the_third_question() -> bool:
            asked.append(1)
            if len(asked) == 3:
                fcntl.flock(emulator, fcntl.LOCK_UN)
            return False

        with locked(tmp_path, cancelled=end_at_the_third_question):
            pass
    assert len(asked) == 3


def test_waiting_can_be_cancelled(tmp_path: Path) -> None:
    with still_writing(tmp_path), pytest.raises(StartCancelled), locked(tmp_path, cancelled=lambda: True):
        pass


def test_waiting_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "_PATIENCE_SECONDS", 0.1)
    with still_writing(tmp_path), pytest.raises(StateInUse, match="killed"), locked(tmp_path):
        pass


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "precious.json").write_text("{}")
    with pytest.raises(StateNotOurs, match="STATE_DIR"), locked(tmp_path):
        pass
    assert (tmp_path / "tables" / "precious.json").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["tables"]


def test_clearing_takes_only_what_the_store_has_made(tmp_path: Path) -> None:
    with locked(tmp_path) as state:
        for folder in (state.tables, state.objects):
            (folder / "inner").mkdir(parents=True)
            (folder / "inner" / "x.json").write_text("{}")
        state.log.write_text("said")
        (tmp_path / "mine.txt").write_text("somebody put it here")
        state.clear()
        state.clear()
        assert sorted(entry.name for entry in tmp_path.iterdir()) == [".rmbg-store", ".rmbg-store-writers", "mine.txt"]
