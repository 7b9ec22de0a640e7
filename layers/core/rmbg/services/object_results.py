"""Where what became of an object goes: the results' bucket. It has no notifications: nothing feeds itself."""

import json
from collections.abc import Mapping
from typing import Final

from rmbg.domain.jobs import Job, JobResult
from rmbg.domain.object_keys import (
    InputKey,
    inbox_error_key,
    inbox_result_key,
    inbox_second_result_key,
    inbox_third_result_key,
    job_result_key,
    mark,
)
from rmbg.domain.pictures import Cutout
from rmbg.storage.objects import ObjectExists, ObjectMissing, Objects

SOURCE: Final = "rmbg-source"  # metadata: the mark of the input's key


class ObjectResults:
    """Puts results into one bucket."""

    def __init__(self, objects: Objects, bucket: str) -> None:
        self._objects = objects
        self.bucket = bucket

    def put_picture(self, source: InputKey, version: str, job: Job | None, cutout: Cutout) -> JobResult:
        """Put the result of a version of an input, over that of an earlier delivery. Raises ObjectsUnavailable."""
        extension = cutout.format.extension
        if job is not None:
            key = job_result_key(job.uid, job.id, version, job.filename, extension)
            self._put(key, source, cutout)
        else:
            key = self._put_in_folder(source, cutout, extension)
        return JobResult(
            key=key,
            media_type=cutout.format.media_type,
            width=cutout.size.width,
            height=cutout.size.height,
            size_bytes=len(cutout.data),
        )

    def put_error(self, source: InputKey, document: Mapping[str, object]) -> str:
        """Put an inbox file's error where its result would be; its key. Raises ObjectsUnavailable."""
        key = inbox_error_key(source)
        body = json.dumps(document, ensure_ascii=False).encode()
        self._objects.put(self.bucket, key, body, "application/json")
        return key

    def _put_in_folder(self, source: InputKey, cutout: Cutout, extension: str) -> str:
        """The key that it got: the first one that is no other file's."""
        for key in (inbox_result_key(source, extension), inbox_second_result_key(source, extension)):
            if self._put_first(key, source, cutout):
                return key
        key = inbox_third_result_key(source, extension)
        self._put(key, source, cutout)
        return key

    def _put_first(self, key: str, source: InputKey, cutout: Cutout) -> bool:
        """False if the key is that of another file's result: `a.jpg` and `a.png` both want `a.webp`."""
        try:
            self._put(key, source, cutout, only_if_absent=True)
        except ObjectExists:
            try:
                owner = self._objects.head(self.bucket, key).metadata.get(SOURCE)
            except ObjectMissing:
                owner = None
            if owner != mark(source.path):
                return False
            self._put(key, source, cutout)
        return True

    def _put(self, key: str, source: InputKey, cutout: Cutout, *, only_if_absent: bool = False) -> None:
        self._objects.put(
            self.bucket,
            key,
            cutout.data,
            cutout.format.media_type,
            metadata={
                SOURCE: mark(source.path),
                "rmbg-width": str(cutout.size.width),
                "rmbg-height": str(cutout.size.height),
            },
            only_if_absent=only_if_absent,
        )
