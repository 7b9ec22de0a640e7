"""Files with keys in them: whole, and for their owner only."""

import shlex
from pathlib import Path

from tools.local_store.demo_files import DemoFiles
from tools.local_store.files import write_private


def test_only_the_owner_may_read_it_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "demo.env"
    for left_over in (path, tmp_path / "demo.env.unfinished"):
        left_over.write_text("of an earlier run, and much longer than the new one")
        left_over.chmod(0o666)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_shell_reads_the_variables_as_they_were_written(tmp_path: Path) -> None:
    files = DemoFiles(tmp_path)
    files.write_demo("http://127.0.0.1:3000", API_KEY="plain_1-2.3", ODD="a b'$(c)")
    first, *others = files.demo.read_text().splitlines()
    assert first == "BASE_URL=http://127.0.0.1:3000"
    assert [shlex.split(line) for line in others] == [["API_KEY=plain_1-2.3"], ["ODD=a b'$(c)"]]


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    files = DemoFiles(tmp_path)
    files.remove()
    files.write_demo("http://127.0.0.1:3000")
    files.store.write_text("{}")
    files.remove()
    assert not list(tmp_path.iterdir())
