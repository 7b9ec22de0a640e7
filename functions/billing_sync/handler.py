"""Batches of Stripe's events from the queue: each is applied, those that cannot be now come again."""

import json
import os
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from rmbg.config import BillingSettings
from rmbg.http.billing import apply_stripe_event
from rmbg.observability import logger
from rmbg.services.apply_stripe_event import ApplyStripeEvent
from rmbg.storage.stripe_api import StripeUnavailable

SETTINGS = BillingSettings.from_environment(os.environ)
EVENT_MILLISECONDS = 14_000  # two attempts at Stripe, and the writes
PROCESSOR = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def service() -> ApplyStripeEvent:
    return apply_stripe_event(SETTINGS)


class OutOfTime(Exception):
    """The rest of the batch comes again: better than to be ended in the middle, when all of it would."""


def apply(record: SQSRecord, lambda_context: LambdaContext) -> None:
    if lambda_context.get_remaining_time_in_millis() < EVENT_MILLISECONDS:
        raise OutOfTime
    event = json.loads(record.body)
    try:
        service().apply(event)
    except Exception as error:
        logger.error("stripe event failed", event_id=event.get("id"), cause=type(error).__name__)
        if isinstance(error, StripeUnavailable):
            service.cache_clear()  # its key may have been rolled
        raise


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    response = process_partial_response(event=event, record_handler=apply, processor=PROCESSOR, context=context)
    return dict(response)
