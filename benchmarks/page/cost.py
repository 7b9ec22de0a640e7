"""Lambda's cost and start, from the results of `make bench-cost`."""

import re
from collections.abc import Mapping
from typing import Final

from benchmarks.lambda_cost.cost import USD_PER_GB_SECOND, USD_PER_REQUEST, Row, cheapest, processors
from benchmarks.page.markdown import MISSING, bold, listed, megabytes, seconds, table
from benchmarks.page.sources import COST, Results, missing
from benchmarks.paths import ROOT

ONE_VCPU_MB: Final = 1769
SMALL: Final = 1.5
"""Megapixels of the small picture."""


def cost_rows(results: Results) -> list[Row]:
    """As they were measured."""
    return [Row(**{k: v for k, v in row.items() if k != "usd_per_1000"}) for row in results.data["rows"]]


def cost_table(results: Results | None) -> str:
    """Model and memory size down, picture sizes across; the cheapest of each model and size is bold."""
    if results is None:
        return missing(COST)
    rows = cost_rows(results)
    sizes = sorted({row.megapixels for row in rows})
    head = ["", "MB", "vCPU"]
    for size in sizes:
        head += [f"{size:g} MP, s", "CPU, s", "peak, MB", "USD / 1000"]
    best = set(cheapest(rows).values())
    body = []
    for model, memory_mb in dict.fromkeys((row.model, row.memory_mb) for row in rows):
        of_both = {row.megapixels: row for row in rows if (row.model, row.memory_mb) == (model, memory_mb)}
        cells = [cell for size in sizes for cell in _cells(of_both.get(size), of_both.get(size) in best)]
        ready = next(iter(of_both.values())).ready_seconds
        body.append((f"`{model}`", str(memory_mb), f"{processors(memory_mb):.2f}", *cells, seconds(ready)))
    return table((*head, "cold start, s"), body)


def assumptions(results: Results) -> str:
    """Prices, and what is not in the figures."""
    memory = sorted({row.memory_mb for row in cost_rows(results)})
    return (
        f"Prices: {results.data['prices']}, x86: {USD_PER_GB_SECOND:.10f} USD a GB-second and "
        f"{USD_PER_REQUEST * 1e6:.2f} USD a million requests, without the free tier. Seconds: medians of calls of the "
        f"warm function, JPEG to WebP, in the image under Lambda's runtime emulator, in a container of {memory[0]} to "
        f"{memory[-1]} MB with the share of a processor that Lambda gives for it. The processor is this machine's, not "
        "Lambda's. Not in it: the network, pulling the image, API Gateway, DynamoDB, logs and cold starts (*cold "
        "start* is from the start of the runtime to ready, billed once for each new instance). Where *s* is far above "
        f"*CPU* at {ONE_VCPU_MB} MB or more, other work of the machine was in the way."
    )


def per_1000(results: Results, model: str, memory_mb: int | None = None) -> Row | None:
    """The small picture with one model: at a memory size, or at the cheapest one."""
    rows = [row for row in cost_rows(results) if row.model == model and row.megapixels == SMALL]
    if memory_mb is None:
        return cheapest(rows).get((model, SMALL))
    return next((row for row in rows if row.memory_mb == memory_mb), None)


def cheapest_sizes(results: Results) -> str:
    """A sentence: the two smallest sizes of each model beside each other."""
    told = []
    for model in dict.fromkeys(row.model for row in cost_rows(results)):
        small, vcpu = per_1000(results, model, 1024), per_1000(results, model, ONE_VCPU_MB)
        if small and vcpu and small.usd_per_1000 and vcpu.usd_per_1000:
            told.append(
                f"`{model}` {small.usd_per_1000:.3f} and {vcpu.usd_per_1000:.3f} USD "
                f"({seconds(small.seconds)} and {seconds(vcpu.seconds)} s)"
            )
    if not told:
        return ""
    lines = image_memory_mb()
    return (
        f"1000 pictures of {SMALL:g} MP with 1024 and with {ONE_VCPU_MB} MB, which is one whole vCPU: {listed(told)}. "
        f"The template allows no less than {lines['MinValue']} MB and has {lines['Default']} as its default, for "
        "[the largest pictures](#the-largest-pictures); who refuses these may lower it in `template.yaml`."
    )


def image_memory_mb() -> Mapping[str, int]:
    """`Default`, `MinValue` and `MaxValue` of the template's parameter ImageMemoryMb."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    block = re.search(r"^  ImageMemoryMb:\n((?:    .*\n)+)", text, re.MULTILINE)
    pairs = re.findall(r"^    (Default|MinValue|MaxValue): (\d+)$", block.group(1) if block else "", re.MULTILINE)
    return {name: int(value) for name, value in pairs}


def _cells(row: Row | None, is_cheapest: bool) -> tuple[str, str, str, str]:
    if row is None or row.seconds is None or row.usd_per_1000 is None:
        return (MISSING, MISSING, MISSING, "too little memory" if row else MISSING)
    usd = f"{row.usd_per_1000:.4f}"
    return (
        seconds(row.seconds),
        seconds(row.cpu_seconds),
        megabytes(row.peak_bytes),
        bold(usd) if is_cheapest else usd,
    )
