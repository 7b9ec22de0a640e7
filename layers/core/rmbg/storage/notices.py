"""Notices of finished work to a topic (SNS), if the operator has one. They are a courtesy: none holds up the work."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from rmbg.observability import count_metric, logger
from rmbg.storage.late import LateClient

_CONNECT_TIMEOUT_SECONDS: Final = 1
_READ_TIMEOUT_SECONDS: Final = 2
_ATTEMPTS: Final = 3


class Notices:
    """One topic; without `topic_arn` nothing is told."""

    def __init__(self, topic_arn: str, client: Any = None) -> None:
        self._topic_arn = topic_arn
        self._client = client or LateClient(partial(_client, topic_arn))

    def publish(self, status: str, document: Mapping[str, object]) -> None:
        """Tell of a job that is `status`. Never raises: what cannot be told is counted."""
        if not self._topic_arn:
            return
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.publish(
                TopicArn=self._topic_arn,
                Message=json.dumps(document, ensure_ascii=False),
                MessageAttributes={"status": {"DataType": "String", "StringValue": status}},
            )
        except (BotoCoreError, ClientError) as error:
            logger.error("notice not sent", cause=type(error).__name__)
            count_metric("NoticeNotSent")


def _client(topic_arn: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    return boto3.client("sns", region_name=topic_arn.split(":")[3], config=config)
