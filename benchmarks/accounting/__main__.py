"""python -m benchmarks.accounting (make bench-accounts): prints the tables, writes results/accounting-<time>.json."""

import json
import re
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from benchmarks.accounting.scenarios import Row, count
from benchmarks.accounting.service import NoImaging, Service, imaging, running_service
from benchmarks.machine import describe, machine_facts
from benchmarks.paths import MODELS, RESULTS, ROOT
from layers.model.ready import ensure_model

SAMPLE: Final = ROOT / "docs" / "images" / "coffee.jpg"
REQUESTS: Final = 300
PICTURES: Final = 15
_STAGE: Final = re.compile(r"(\w+);dur=([\d.]+)")
_OURS: Final = ("admit", "reserve", "commit")


def main() -> int:
    model_dir = ensure_model("isnet-general-use", MODELS, _say)
    picture = SAMPLE.read_bytes()
    with running_service(model_dir) as service:
        rows = count(service, picture)
        share = _share(service, picture)
        rates = {
            "accounts": _rate(service, picture, paid=True),
            "no accounts": _rate(service, picture, paid=False),
        }
    print(describe(machine_facts()), "\n")
    print(_table(rows), "\n")
    print(
        f"accounting: {share['accounting_ms']:.1f} of {share['request_ms']:.1f} ms of a request, {share['share']:.1%}"
    )
    print(f"  ({SAMPLE.name}, IS-Net, medians of {PICTURES}; with the emulator's answers, without a way to AWS)\n")
    paid, free = rates["accounts"], rates["no accounts"]
    print("one process, imaging left out          requests a second   its own CPU a request")
    for what, rate in rates.items():
        print(f"  {what:<37}{rate.requests_per_second:>17.0f}{rate.cpu_ms:>21.1f} ms")
    print(f"  ratio{paid.requests_per_second / free.requests_per_second:>49.2f}   (the emulator shares the processors)")
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(timespec="seconds"),
        "machine": machine_facts(),
        "units": [{"what": row.what, **asdict(row.units), "target": row.target, "met": row.met} for row in rows],
        "share": share,
        "rates": {what: asdict(rate) for what, rate in rates.items()},
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"accounting-{now:%Y%m%dT%H%M%SZ}.json").write_text(json.dumps(document, indent=1, default=str) + "\n")
    return 0


def _say(line: str) -> None:
    print(f"rmbg: {line}", file=sys.stderr)


def _share(service: Service, picture: bytes) -> dict[str, float]:
    """Milliseconds of the accounting's stages, and of the whole request."""
    _, key = service.new_key("Demo")
    accounting, whole = [], []
    for _ in range(PICTURES):
        start = time.perf_counter()
        result = service.post(picture, key)
        whole.append((time.perf_counter() - start) * 1000)
        stages = dict(_STAGE.findall(result["multiValueHeaders"]["Server-Timing"][0]))
        accounting.append(sum(float(stages[name]) for name in _OURS))
    taken = {"accounting_ms": statistics.median(accounting), "request_ms": statistics.median(whole)}
    return taken | {"share": taken["accounting_ms"] / taken["request_ms"]}


class _Free:
    """A payment that asks nobody."""

    credits_charged = 0
    remaining = None

    def begin(self, _fingerprint: object) -> None: ...
    def commit(self, _deadline: object) -> None: ...
    def refund(self) -> None: ...


@dataclass(frozen=True)
class _Rate:
    """Of one process, its requests one after the other."""

    requests_per_second: float
    cpu_ms: float


def _rate(service: Service, picture: bytes, *, paid: bool) -> _Rate:
    """With imaging that takes no time; `paid` False: nobody is asked who calls, and nothing is counted."""
    admission = service.image.ADMISSION
    payment = admission.payment
    headers = service.new_key("Demo")[1] if paid else {}
    if not paid:
        admission.payment = lambda _lease_seconds: _Free()
    try:
        with imaging(service, NoImaging(service.image.PIPELINE)):
            service.post(picture, headers)
            start, cpu_start = time.perf_counter(), time.process_time()
            for _ in range(REQUESTS):
                status = service.post(picture, headers)["statusCode"]
                assert status == 200, status
            elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    finally:
        admission.payment = payment
    return _Rate(REQUESTS / elapsed, cpu / REQUESTS * 1000)


def _table(rows: list[Row]) -> str:
    lines = [f"{'units a request':<52}{'write':>6}{'read':>6}{'largest item':>14}  target"]
    for row in rows:
        target = f"<= {row.target[0]}, {row.target[1]}: {'met' if row.met else 'NOT MET'}" if row.target else ""
        units = row.units
        lines.append(f"{row.what:<52}{units.write:>6}{units.read:>6}{units.largest_bytes:>12} B  {target}".rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
