"""Everything that needs no picture: health, and the answers for paths and methods that do not exist."""

import os
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

import rmbg
from rmbg.config import AccountApiSettings
from rmbg.http.application import Application
from rmbg.http.responses import json_response
from rmbg.services.uploads import MAX_FILE_BYTES

SETTINGS = AccountApiSettings.from_environment(os.environ)
application = Application(cors_allow_origin=SETTINGS.cors_allow_origin)


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
        {"Cache-Control": "no-store"},
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return application(event, context)
