"""Everything that needs no picture: health, usage, keys, and the answers for paths and methods that do not exist."""

import os
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

import rmbg
from rmbg.config import AccountApiSettings
from rmbg.domain.usage_query import parse_usage_query
from rmbg.errors import invalid_parameters
from rmbg.http.admission import Admission
from rmbg.http.application import Application
from rmbg.http.documents import created_job_document, cycles_document, job_document, key_document, usage_document
from rmbg.http.requests import body_bytes, own_url, query_parameters
from rmbg.http.responses import NO_STORE, json_response
from rmbg.http.services import Services
from rmbg.services.create_job import parse_job_request
from rmbg.services.uploads import MAX_FILE_BYTES

SETTINGS = AccountApiSettings.from_environment(os.environ)
application = Application(cors_allow_origin=SETTINGS.cors_allow_origin)
SERVICES = Services(SETTINGS.accounts, SETTINGS.objects)
ADMISSION = Admission(application, SERVICES)


@application.router.get("/health")
def get_health() -> Response[str]:
    return json_response(
        200,
        {
            "status": "ok",
            "version": rmbg.__version__,
            "model": SETTINGS.model,
            "max_upload_bytes": SETTINGS.max_upload_bytes,
            "max_file_bytes": MAX_FILE_BYTES,
        },
        NO_STORE,
    )


@application.router.get("/api/membership-usage")
def get_membership_usage() -> Response[str]:
    account = ADMISSION.by_key()
    asked, problems = parse_usage_query(query_parameters(application.router.current_event))
    if problems:
        raise invalid_parameters(problems)
    if asked.list_cycles:
        return json_response(200, cycles_document(SERVICES.usage.cycles(account)), NO_STORE)
    return json_response(200, usage_document(SERVICES.usage.report(account, asked)), NO_STORE)


@application.router.get("/api/api-keys")
def get_api_keys() -> Response[str]:
    account = ADMISSION.by_token()
    return json_response(200, {"api_keys": [key_document(key) for key in account.keys]}, NO_STORE)


@application.router.post("/api/api-keys")
def post_api_keys() -> Response[str]:
    created = SERVICES.keys.create(ADMISSION.by_token())
    return json_response(201, {"api_key": created.text, **key_document(created.key)}, NO_STORE)


@application.router.delete("/api/api-keys/<key_id>")
def delete_api_key(key_id: str) -> Response[str]:
    SERVICES.keys.revoke(ADMISSION.by_token().uid, key_id)
    return Response(status_code=204, body="", headers=NO_STORE)


@application.router.post("/jobs")
def post_jobs() -> Response[str]:
    identity = ADMISSION.by_key_or_token()
    idempotency_key = ADMISSION.idempotency_key()
    request = parse_job_request(body_bytes(application.router.current_event))
    created = SERVICES.create_job.create(identity, request, idempotency_key=idempotency_key)
    status_url = own_url(application.router.current_event, f"/jobs/{created.job.id}")
    return json_response(201, created_job_document(created, status_url), {**NO_STORE, "Location": status_url})


@application.router.get("/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    account = ADMISSION.by_key_or_token().account
    return json_response(200, job_document(SERVICES.report_job.report(account.uid, job_id)), NO_STORE)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return application(event, context)
