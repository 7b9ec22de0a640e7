"""POST /webhooks/stripe: verify, put on the queue, answer."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from rmbg.config import WebhookSettings
from rmbg.http.application import Application
from rmbg.http.requests import body_bytes, header
from rmbg.http.responses import json_response
from rmbg.services.receive_stripe_event import ReceiveStripeEvent
from rmbg.storage.queues import Queue, open_queue
from rmbg.storage.secrets import read_secrets

SETTINGS = WebhookSettings.from_environment(os.environ)
application = Application(cors_allow_origin=SETTINGS.cors_allow_origin)


@cache
def queue() -> Queue:
    return open_queue(SETTINGS.queue_url, SETTINGS.sqs_endpoint_url)


RECEIVER = ReceiveStripeEvent(queue, lambda fresh: read_secrets(SETTINGS.secrets, fresh=fresh))


@application.router.post("/webhooks/stripe")
def post_stripe_event() -> Response[str]:
    event = application.router.current_event
    RECEIVER.receive(body_bytes(event), header(event, "stripe-signature"))
    return json_response(200, {"received": True})


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return application(event, context)
