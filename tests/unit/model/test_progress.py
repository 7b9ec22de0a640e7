"""Nobody waits in silence."""

import re
import threading
import time
from pathlib import Path

import pytest

from layers.model.progress import folder_bytes, heartbeat, megabytes


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(113_025_777, "113 MB"), (4_248_229, "4.2 MB"), (9_949_999, "9.9 MB"), (10_000_000, "10 MB"), (0, "0.0 MB")],
)
def test_sizes_as_people_read_them(size_bytes: int, text: str):
    assert megabytes(size_bytes) == text


def test_it_beats_until_the_end_and_no_longer():
    lines: list[str] = []
    twice = threading.Event()

    def progress(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            twice.set()

    with heartbeat(progress, lambda: "downloading, 1 of 2 MB", every_seconds=0.01):
        assert twice.wait(10)
    said = len(lines)
    time.sleep(0.05)
    assert len(lines) == said
    assert re.fullmatch(r"downloading, 1 of 2 MB \(\d+ s\)", lines[0])


def test_it_stops_when_the_work_fails():
    before = threading.active_count()
    with pytest.raises(RuntimeError), heartbeat(lambda _line: None, lambda: "", every_seconds=60):
        raise RuntimeError
    assert threading.active_count() == before


def test_the_size_of_a_folder(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "b").write_bytes(b"x" * 5)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert folder_bytes(tmp_path) == 15
    assert folder_bytes(tmp_path / "absent") == 0
