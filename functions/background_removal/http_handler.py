"""POST /rmbg: one uploaded picture in, its cut-out or mask back."""

import os
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.background_removal.imaging.pipeline import Pipeline
from rmbg.config import ImageSettings
from rmbg.http.application import Application
from rmbg.http.forms import read_upload
from rmbg.http.responses import picture_response
from rmbg.observability import StageTimer, logger
from rmbg.services.remove_background import remove_background

SETTINGS = ImageSettings.from_environment(os.environ)
PIPELINE = Pipeline(SETTINGS.model_dir, SETTINGS.threads)  # the one thing that INIT is for
application = Application(cors_allow_origin=SETTINGS.cors_allow_origin)


@application.router.post("/rmbg")
def post_rmbg() -> Response[bytes]:
    timer = StageTimer()
    with timer.stage("form"):
        upload = read_upload(application.router.current_event)
    cutout = remove_background(upload, PIPELINE, timer)
    logger.info("picture", stages=timer.server_timing, size_bytes=len(cutout.data))
    return picture_response(
        cutout,
        filename=upload.filename,
        credits_charged=0,  # there are no accounts yet: nobody is charged
        server_timing=timer.server_timing,
        max_response_bytes=SETTINGS.max_response_bytes,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return application(event, context)
