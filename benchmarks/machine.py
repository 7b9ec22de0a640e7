"""What a figure depends on besides the code."""

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

# Instructions that decide how fast int8 and fp32 networks run.
_TELLING_FLAGS: Final = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")


def machine_facts() -> dict[str, Any]:
    """Processor, cores, memory, load and versions; None where this system does not tell."""
    from PIL import features

    cpuinfo = _text("/proc/cpuinfo")
    return {
        "cpu": _field(cpuinfo, "model name") or _sysctl("machdep.cpu.brand_string") or platform.processor() or None,
        "cpu_flags": [flag for flag in _TELLING_FLAGS if flag in _flags(cpuinfo)],
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "codecs": {name: features.version(name) for name in ("jpg", "libjpeg_turbo", "zlib", "zlib_ng", "webp")},
    }


def describe(facts: Mapping[str, Any]) -> str:
    """One line for the head of the table."""
    flags = ", ".join(facts["cpu_flags"]) or "no telling flags"
    return f"{facts['cpu']}, {facts['cores']} cores ({flags}), Python {facts['python']}"


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _field(cpuinfo: str, name: str) -> str:
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _flags(cpuinfo: str) -> set[str]:
    return set((_field(cpuinfo, "flags") or _field(cpuinfo, "Features")).split())


def _sysctl(name: str) -> str:
    try:
        return subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
