"""Generated parts of pages that are otherwise written by hand, between marks that nobody sees."""

import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.errors import BenchmarkError


def replace_blocks(page: str, blocks: Mapping[str, str]) -> str:
    """The page with new text between `<!-- benchmarks: NAME -->` and `<!-- /benchmarks -->`.

    Raises BenchmarkError where a mark is missing, or stands for a block that is not given.
    """
    seen: list[str] = []

    def renewed(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in blocks:
            raise BenchmarkError(f"there is no block {name}; there are {', '.join(blocks)}")
        seen.append(name)
        return f"<!-- benchmarks: {name} -->\n{blocks[name].strip()}\n<!-- /benchmarks -->"

    pattern = r"<!-- benchmarks: ([a-z-]+) -->\n.*?<!-- /benchmarks -->"
    page = re.sub(pattern, renewed, page, flags=re.DOTALL)
    absent = [name for name in blocks if name not in seen]
    if absent:
        raise BenchmarkError(f"the marks of {', '.join(absent)} are missing")
    return page


def update(path: Path, blocks: Mapping[str, str]) -> None:
    """Replace the blocks of a file. Raises BenchmarkError as above, with the file's name."""
    try:
        path.write_text(replace_blocks(path.read_text("utf-8"), blocks), "utf-8")
    except BenchmarkError as error:
        raise BenchmarkError(f"{path.name}: {error}") from error
