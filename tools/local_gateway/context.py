"""The second argument of a handler (Lambda developer guide, "Using the Lambda context object to retrieve ...")."""

import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class LambdaContext:
    """What Python's runtime hands over; identity and client context are of mobile apps and always None here."""

    aws_request_id: str
    function_name: str
    function_version: str
    memory_limit_in_mb: str
    invoked_function_arn: str
    log_group_name: str
    log_stream_name: str
    deadline_monotonic: float
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the worker is killed, at least 0."""
        return max(0, int((self.deadline_monotonic - time.monotonic()) * 1000))


def context_of(
    environment: Mapping[str, str], account_id: str, request_id: str, timeout_seconds: float
) -> LambdaContext:
    """The context of a call that starts now, from the variables that Lambda sets."""
    name = environment["AWS_LAMBDA_FUNCTION_NAME"]
    return LambdaContext(
        aws_request_id=request_id,
        function_name=name,
        function_version=environment["AWS_LAMBDA_FUNCTION_VERSION"],
        memory_limit_in_mb=environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        invoked_function_arn=f"arn:aws:lambda:{environment['AWS_REGION']}:{account_id}:function:{name}",
        log_group_name=environment["AWS_LAMBDA_LOG_GROUP_NAME"],
        log_stream_name=environment["AWS_LAMBDA_LOG_STREAM_NAME"],
        deadline_monotonic=time.monotonic() + timeout_seconds,
    )
