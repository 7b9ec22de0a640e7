"""On what it was measured, by the results themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.machine import describe
from benchmarks.page.markdown import MISSING, table
from benchmarks.page.sources import COMMANDS, Results


def machine_section(found: Mapping[str, Results | None]) -> str:
    """One line a kind: command, day, file; and the machines, which may not be the same one."""
    present = [results for results in found.values() if results]
    if not present:
        return "Nothing has been measured yet."
    rows = [
        (f"`{COMMANDS[kind]}`", results.day, f"`{results.name}`") if results else (f"`{COMMANDS[kind]}`", MISSING, "")
        for kind, results in found.items()
    ]
    lines = _machines(present)
    intro = "All on one machine" if len(lines) == 1 else "On more than one machine"
    speed = found.get("speed")
    return "\n\n".join(
        [
            f"{intro}: {'; '.join(lines)}.{_versions(speed)}",
            table(("Measured by", "On", "Results in `benchmarks/results`"), rows),
        ]
    )


def _machines(present: Sequence[Results]) -> list[str]:
    described = dict.fromkeys(_described(results.data.get("machine")) for results in present)
    return [text for text in described if text]


def _described(facts: Mapping[str, Any] | None) -> str:
    if not facts:
        return ""
    memory = f", {facts['memory_bytes'] / 1e9:.0f} GB" if facts.get("memory_bytes") else ""
    return f"{describe(facts)}{memory}, {facts.get('system', '')}"


def _versions(speed: Results | None) -> str:
    if not speed:
        return ""
    sides = (
        f"{side}: {', '.join(f'{name} {version}' for name, version in versions.items())}"
        for side, versions in speed.data["versions"].items()
    )
    codecs = ", ".join(f"{name} {version}" for name, version in speed.data["machine"]["codecs"].items())
    return f" Versions: {'; '.join(sides)}. Codecs inside of Pillow: {codecs}."
