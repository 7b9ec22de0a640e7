"""Tables and figures in Markdown. Pure."""

from collections.abc import Iterable, Sequence

MISSING = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column may have an empty head."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(line.replace("|  |", "| |").replace("|  |", "| |") for line in lines)


def number(value: float | None, decimals: int) -> str:
    """Fixed decimals; errors below 1 without their zero, as in papers: .061."""
    if value is None:
        return MISSING
    text = f"{value:.{decimals}f}"
    return text.removeprefix("0") if decimals >= 3 and text.startswith("0.") else text


def seconds(value: float | None) -> str:
    """Three figures where that is less than ten seconds."""
    if value is None:
        return MISSING
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def megabytes(size_bytes: float | None) -> str:
    """In 10^6 bytes."""
    return MISSING if size_bytes is None else f"{size_bytes / 1e6:.0f}"


def bold(text: str) -> str:
    """Emphasis for the best, or for what is meant."""
    return f"**{text}**"


def count(amount: int, thing: str) -> str:
    """`1 thread`, `2 threads`."""
    return f"{amount} {thing}{'' if amount == 1 else 's'}"


def listed(items: Sequence[str]) -> str:
    """`a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
