"""POST /rmbg: one uploaded picture in, its cut-out or mask back."""

import os
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.background_removal.imaging.pipeline import Pipeline
from rmbg.config import ImageSettings
from rmbg.http.admission import Admission
from rmbg.http.application import Application
from rmbg.http.delivery import Delivery
from rmbg.http.forms import read_upload
from rmbg.http.services import Services
from rmbg.observability import StageTimer, logger
from rmbg.services.deadline import Invocations
from rmbg.services.remove_background import remove_background

SETTINGS = ImageSettings.from_environment(os.environ)
PIPELINE = Pipeline(SETTINGS.model_dir, SETTINGS.threads)  # the one thing that INIT is for
application = Application(cors_allow_origin=SETTINGS.cors_allow_origin)
SERVICES = Services(SETTINGS.accounts, SETTINGS.objects)
ADMISSION = Admission(application, SERVICES)
INVOCATIONS = Invocations()


@application.router.post("/rmbg")
def post_rmbg() -> Response[bytes] | Response[str]:
    deadline = INVOCATIONS.begin()
    timer = StageTimer()
    with timer.stage("admit"):
        payment = ADMISSION.payment(application.router.lambda_context.get_remaining_time_in_millis() / 1000)
    with timer.stage("form"):
        upload = read_upload(application.router.current_event)
    delivery = Delivery(
        SERVICES,
        filename=upload.filename,
        max_response_bytes=SETTINGS.max_response_bytes,
    )
    with ADMISSION.announced(payment):
        cutout = remove_background(upload, PIPELINE, payment, deadline=deadline, timer=timer, deliver=delivery)
    logger.info("picture", stages=timer.server_timing, size_bytes=len(cutout.data), credits=payment.credits_charged)
    return delivery.response(cutout, credits_charged=payment.credits_charged, server_timing=timer.server_timing)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return application(event, context)
