"""How a picture of POST /rmbg reaches its caller: in the answer, or where that is too small, by way of storage."""

import uuid

from aws_lambda_powertools.event_handler import Response

from rmbg.domain.filenames import content_disposition, result_name
from rmbg.domain.jobs import LINK_SECONDS
from rmbg.domain.object_keys import answer_key
from rmbg.domain.pictures import Cutout
from rmbg.http.responses import fits_answer, picture_response, result_too_large, see_other
from rmbg.http.services import Services


class Delivery:
    """One picture's way. `max_response_bytes` bounds a base64-encoded answer and its headers (0: no bound)."""

    def __init__(self, services: Services, *, filename: str, max_response_bytes: int) -> None:
        self._services = services
        self._filename = filename
        self._max_response_bytes = max_response_bytes
        self._location = ""

    def __call__(self, cutout: Cutout) -> None:
        """Put a picture that is too large into the results' bucket.

        Raises PublicError: 413 where there is no such bucket, and ObjectsUnavailable.
        """
        if fits_answer(cutout, filename=self._filename, max_response_bytes=self._max_response_bytes):
            return
        bucket = self._services.object_settings.results_bucket
        if not bucket:
            raise result_too_large(cutout)
        extension, media_type = cutout.format.extension, cutout.format.media_type
        # not the request's id, which a caller of API Gateway may choose
        key = answer_key(uuid.uuid4().hex, self._filename, extension)
        self._services.objects.put(bucket, key, cutout.data, media_type)
        self._location = self._services.objects.link(
            bucket,
            key,
            disposition=content_disposition(result_name(self._filename, extension)),
            media_type=media_type,
            seconds=LINK_SECONDS,
        )

    def response(self, cutout: Cutout, *, credits_charged: int, server_timing: str) -> Response[bytes] | Response[str]:
        """200 with the picture, or 303 to it."""
        if not self._location:
            return picture_response(
                cutout, filename=self._filename, credits_charged=credits_charged, server_timing=server_timing
            )
        return see_other(
            self._location,
            cutout,
            filename=self._filename,
            credits_charged=credits_charged,
            server_timing=server_timing,
        )
