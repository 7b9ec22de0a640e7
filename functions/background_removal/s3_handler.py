"""Objects that were put into the inputs' bucket: batches of the queue between, or S3's event itself."""

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.background_removal.imaging.pipeline import Pipeline
from rmbg.config import ProcessingSettings
from rmbg.http.processing import process_object
from rmbg.observability import logger
from rmbg.services.process_object import ProcessObject

SETTINGS = ProcessingSettings.from_environment(os.environ)
PIPELINE = Pipeline(SETTINGS.model_dir, SETTINGS.threads)  # the one thing that INIT is for
PROCESSOR = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
MAX_RECEIVES: Final = 5  # of the queue (template.yaml)
_LEAST_SECONDS: Final = 15.0


@cache
def service() -> ProcessObject:
    return process_object(SETTINGS, PIPELINE)


class OutOfTime(Exception):
    """The rest of the batch comes again: better than to be ended in the middle, when all of it would."""


def process_event(event: Mapping[str, Any], context: LambdaContext, *, last: bool) -> None:
    """An event of S3 (event version 2.x). Raises whatever fault there is.

    The test event of a new notification has no records, other events than ObjectCreated are none of ours.
    """
    for record in event.get("Records", ()):
        if not str(record.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated:"):
            continue
        bucket, key = record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
        left_seconds = context.get_remaining_time_in_millis() / 1000
        if left_seconds < _LEAST_SECONDS:
            raise OutOfTime
        service().process(bucket, key, left_seconds=left_seconds, last=last)


def process_message(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """One message of the queue; its body is an event of S3."""
    receives = int(record.attributes.get("ApproximateReceiveCount") or 1)
    try:
        process_event(json.loads(record.body), lambda_context, last=receives >= MAX_RECEIVES)
    except Exception as fault:
        logger.exception("message comes again", cause=type(fault).__name__, receives=receives)
        raise


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    records = event.get("Records") or [{}]
    if records[0].get("eventSource") == "aws:sqs":
        return dict(process_partial_response(event, process_message, PROCESSOR, context))
    process_event(event, context, last=False)
    return {}
