"""A handler in a fresh interpreter, as Lambda starts it: what it loads, and what that costs.

As a program: python child.py '{"module": …, "reference": […], "events": […]}', with a stand-in for the imaging where
`imaging` is false. Prints the loaded modules and the CPU seconds of both imports.
"""

import importlib
import json
import os
import subprocess
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
IMAGE = "functions.background_removal.http_handler"
OBJECTS = "functions.background_removal.s3_handler"
ACCOUNT = "functions.account_api.handler"
WEBHOOK = "functions.stripe_webhook.handler"
SYNC = "functions.billing_sync.handler"
HANDLERS = (IMAGE, OBJECTS, ACCOUNT, WEBHOOK, SYNC)

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers" / "core"))),
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",  # without credentials the SDK gives up before it connects
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "CORE_TABLE": "core",
    "EPHEMERAL_TABLE": "ephemeral",
    "OIDC_ISSUER": "https://issuer.example.com",
    "OIDC_AUDIENCE": "client",
    "ANONYMOUS_DAILY_LIMIT": "5",
    "ANONYMOUS_DAILY_LIMIT_TOTAL": "500",
    "ANONYMOUS_BURST": "5",
    "ANONYMOUS_RATE_PER_SECOND": "0.2",
    "INPUTS_BUCKET": "inputs",
    "RESULTS_BUCKET": "results",
    "MODEL": "u2netp",
    "MODEL_DIR": "unused",
    "MAX_UPLOAD_BYTES": "4600000",
    "STRIPE_EVENTS_QUEUE_URL": "https://sqs.example.com/queue",
    "STRIPE_WEBHOOK_SECRETS": "whsec_test",
}


@dataclass(frozen=True)
class Imported:
    """The modules that were loaded, the statuses of the answers, and the CPU seconds of importing both."""

    modules: frozenset[str]
    statuses: list[int]
    reference_seconds: float
    handler_seconds: float

    @property
    def foreign_packages(self) -> set[str]:
        """Top-level packages that are neither Python's nor ours."""
        tops = {name.partition(".")[0] for name in self.modules}
        return tops - sys.stdlib_module_names - {"functions", "rmbg"}


def imported(
    module: str, *events: dict[str, Any], reference: tuple[str, ...] = (), model: Path | None = None
) -> Imported:
    """Import `reference`, then a handler, and have it answer events. Without a `model` the imaging is a stand-in."""
    asked = {"module": module, "reference": reference, "events": events, "imaging": model is not None}
    run = subprocess.run(
        [sys.executable, __file__, json.dumps(asked)],
        env=ENVIRONMENT | ({"MODEL_DIR": str(model)} if model else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    return Imported(frozenset(told["modules"]), told["statuses"], told["reference_seconds"], told["handler_seconds"])


def _main() -> None:
    asked = json.loads(sys.argv[1])
    before = set(sys.modules)  # what `.pth` files of a development environment import is not the handler's
    if not asked["imaging"]:
        pipeline: Any = types.ModuleType("functions.background_removal.imaging.pipeline")
        pipeline.Pipeline = lambda *_: None
        sys.modules[pipeline.__name__] = pipeline
    start = time.process_time()
    for name in asked["reference"]:
        importlib.import_module(name)
    middle = time.process_time()
    module = importlib.import_module(asked["module"])
    end = time.process_time()
    statuses = [module.handler(event, _Context())["statusCode"] for event in asked["events"]]
    told = {"modules": sorted(set(sys.modules) - before), "statuses": statuses}
    print(json.dumps(told | {"reference_seconds": middle - start, "handler_seconds": end - middle}))


class _Context:
    function_name = invoked_function_arn = aws_request_id = "x"
    memory_limit_in_mb = 128

    def get_remaining_time_in_millis(self) -> int:
        return 26_000


if __name__ == "__main__":
    _main()
