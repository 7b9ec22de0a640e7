"""What a cold start does not pay for: the SDK and the tokens' cryptography come with the first call that needs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rmbg.domain.keys import api_key

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers" / "core"))),
    "CORE_TABLE": "core",
    "EPHEMERAL_TABLE": "ephemeral",
    "DYNAMODB_ENDPOINT_URL": "",
    "OIDC_ISSUER": "https://issuer.example.com",
    "OIDC_AUDIENCE": "client",
    "ANONYMOUS_DAILY_LIMIT": "5",
    "ANONYMOUS_DAILY_LIMIT_TOTAL": "500",
    "ANONYMOUS_BURST": "5",
    "ANONYMOUS_RATE_PER_SECOND": "0.2",
    "MODEL": "u2netp",
    "MODEL_DIR": "unused",
    "MAX_UPLOAD_BYTES": "4600000",
}
# Of botocore, Powertools imports the empty package itself.
LATE = {"jwt", "cryptography", "boto3", "botocore.session", "botocore.client", "botocore.loaders"}
# The imaging imports none of it (pyproject.toml holds it to that), and would load a model here.
PROGRAM = """
import importlib, json, sys, types
pipeline = types.ModuleType("functions.background_removal.imaging.pipeline")
pipeline.Pipeline = lambda *_: None
sys.modules[pipeline.__name__] = pipeline
module = importlib.import_module(sys.argv[1])
for event in sys.argv[2:]:
    class Context:
        function_name = invoked_function_arn = aws_request_id = "x"
        memory_limit_in_mb = 128
    answer = module.handler(json.loads(event), Context())
    assert answer["statusCode"] in (200, 401, 503), answer
print(json.dumps(sorted(sys.modules)))
"""


def imported(module: str, *events: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, *events],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


def event(path: str, **headers: str) -> str:
    return json.dumps({"httpMethod": "GET", "path": path, "headers": headers, "requestContext": {}})


@pytest.mark.parametrize("module", ["functions.account_api.handler", "functions.background_removal.http_handler"])
def test_a_function_starts_without_the_sdk_and_without_cryptography(module: str) -> None:
    assert imported(module) & LATE == set()


def test_health_needs_them_no_more() -> None:
    assert imported("functions.account_api.handler", event("/health"), event("/health")) & LATE == set()


def test_these_tests_would_notice() -> None:
    """Who sends a key is looked up, and that takes the SDK."""
    key = event("/api/membership-usage", **{"x-api-key": api_key("0" * 36)})
    assert imported("functions.account_api.handler", key) >= {"boto3", "botocore.client"}
