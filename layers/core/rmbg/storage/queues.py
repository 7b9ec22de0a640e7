"""A durable queue (SQS), thinly."""

from typing import Any, Final

from rmbg.errors import PublicError
from rmbg.observability import logger

_CONNECT_TIMEOUT_SECONDS: Final = 1
_READ_TIMEOUT_SECONDS: Final = 2
_ATTEMPTS: Final = 2


class QueueUnavailable(PublicError):
    """The message was not taken, as far as we know: its sender is to send it again."""

    def __init__(self) -> None:
        super().__init__(503, "Service unavailable", headers={"Retry-After": "5"})


class Queue:
    """One queue, to put messages on."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, body: str) -> None:
        """Raises QueueUnavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body)
        except (BotoCoreError, ClientError) as error:
            logger.error("queue unavailable", cause=type(error).__name__)
            raise QueueUnavailable from error


def open_queue(url: str, endpoint_url: str | None) -> Queue:
    """Imports the SDK; opens no connection yet."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    return Queue(boto3.client("sqs", endpoint_url=endpoint_url, config=config), url)
