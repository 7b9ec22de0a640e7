"""What `make deploy`, `make destroy` and `make smoke` do beyond SAM.   usage: python -m tools.deployment COMMAND ...

    repository STACK       make the stack's image repository if it is absent, print its URI
    remove-repository STACK
    remove-retained STACK  delete the tables, buckets and user pools that the deletion of the stack would leave behind
    smoke URL [KEY]        a health check, a picture and an error against a deployed API; with a key, its usage too

All but the last run beside SAM, whose environment has boto3; nothing else of the project is needed there.
"""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tools.retained import remove, retained

KEPT_IMAGES = 10
_LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": f"keep the last {KEPT_IMAGES} images",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES},
            "action": {"type": "expire"},
        }
    ]
}
_SAMPLE = Path(__file__).resolve().parent.parent / "docs" / "images" / "coffee.jpg"
_BOUNDARY = "rmbg-smoke-7f3a"
_TIMEOUT_SECONDS = 35  # API Gateway answers within 29


def ensure_repository(stack: str, ecr: Any) -> str:
    """The URI of the stack's image repository: scanned on push, ten images kept. `ecr` is boto3's client."""
    name = repository_name(stack)
    try:
        repository = ecr.create_repository(
            repositoryName=name,
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfiguration={"encryptionType": "AES256"},
        )["repository"]
    except ecr.exceptions.RepositoryAlreadyExistsException:
        repository = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(_LIFECYCLE))
    return str(repository["repositoryUri"])


def remove_repository(stack: str, ecr: Any) -> None:
    """Delete the repository and its images; one that is gone already is fine."""
    try:
        ecr.delete_repository(repositoryName=repository_name(stack), force=True)
    except ecr.exceptions.RepositoryNotFoundException:
        return


def repository_name(stack: str) -> str:
    """A repository's name has no capitals, a stack's may."""
    return f"{stack.lower()}/background-removal"


def smoke(url: str, key: str) -> list[str]:
    """What does not work at a deployed API, in sentences; empty if all is well."""
    url = url.rstrip("/")
    problems = []
    status, _, body = _send(f"{url}/health")
    if status != 200 or b'"ok"' not in body:
        problems.append(f"GET /health answers {status}: {body[:200]!r}")
    headers = {"x-api-key": key} if key else {}
    form, content_type = _form(_SAMPLE.read_bytes(), "coffee.jpg")
    status, answer_headers, body = _send(f"{url}/rmbg", form, {**headers, "Content-Type": content_type})
    if status != 200 or not (body[:4] == b"RIFF" and body[8:12] == b"WEBP"):
        problems.append(f"POST /rmbg answers {status}: {body[:200]!r}")
    elif answer_headers.get("X-Width") != "600":
        problems.append(f"POST /rmbg says X-Width: {answer_headers.get('X-Width')}")
    form, content_type = _form(b"no picture", "coffee.jpg")
    status, _, body = _send(f"{url}/rmbg", form, {**headers, "Content-Type": content_type})
    if status != 400 or b"invalid file signature" not in body:
        problems.append(f"POST /rmbg of no picture answers {status}: {body[:200]!r}")
    if key:
        status, _, body = _send(f"{url}/api/membership-usage", headers=headers)
        if status != 200 or b'"membership"' not in body:
            problems.append(f"GET /api/membership-usage answers {status}: {body[:200]!r}")
    return problems


def _form(data: bytes, filename: str) -> tuple[bytes, str]:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="{filename}"\r\n\r\n'
    return head.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={_BOUNDARY}"


def _send(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
    # without Accept, API Gateway may leave what is binary in base64
    request = urllib.request.Request(url, body, {"Accept": "*/*", **(headers or {})})  # noqa: S310 - the operator's own URL
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()
    except OSError as error:
        return 0, {}, str(error).encode()


def main(arguments: list[str]) -> int:
    match arguments:
        case ["repository" | "remove-repository" | "remove-retained" as command, stack]:
            return _with_aws(command, stack)
        case ["smoke", url, *key]:
            problems = smoke(url, "".join(key))
            for problem in problems:
                print(f"rmbg: {problem}", file=sys.stderr)
            checked = "health, a picture, an error" + (" and the key's usage" if key else "")
            print("rmbg: " + ("it does not work, see above" if problems else f"{checked}: all well"))
            return 1 if problems else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def _with_aws(command: str, stack: str) -> int:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        match command:
            case "repository":
                print(ensure_repository(stack, boto3.client("ecr")))
            case "remove-repository":
                remove_repository(stack, boto3.client("ecr"))
            case _:
                for kind, name in retained(stack, boto3.client("cloudformation")):
                    remove(kind, name, boto3.client)
    except (BotoCoreError, ClientError) as error:
        print(f"rmbg: AWS: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
