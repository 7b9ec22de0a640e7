"""What the sample events speak of: a picture in the demo user's inbox, and a job that waits for its upload."""

import json
import time

from rmbg.domain.credits import Channel
from rmbg.domain.jobs import JOB_SECONDS, UPLOAD_SECONDS, Job, JobStatus
from rmbg.storage import jobs
from rmbg.storage.database import Database
from tools.lab.store import ContainerStore
from tools.local_store.buckets import s3_client
from tools.local_store.tables import dynamodb_client
from tools.make_events import SAMPLE_KEY
from tools.sample_objects import SAMPLE_BUCKET, SAMPLE_JOB, SAMPLE_OBJECT, SAMPLE_USER, disc_jpeg, inbox_key


def prepare(store: ContainerStore) -> None:
    """Put the picture, make the job. Raises StoreUnavailable, and botocore's BotoCoreError and ClientError."""
    s3_client(store.endpoint_url).put_object(
        Bucket=SAMPLE_BUCKET,
        Key=inbox_key(store.user_id),
        Body=disc_jpeg(),
        Metadata={"rmbg-format": "png", "rmbg-w": "80"},
    )
    now = int(time.time())
    job = Job(
        id=SAMPLE_JOB,
        uid=store.user_id,
        status=JobStatus.WAITING,
        fields={},
        filename=SAMPLE_OBJECT.rpartition("/")[2],
        channel=Channel.API,
        created_at=now,
        expires_at=now + UPLOAD_SECONDS,
        ends_at=now + JOB_SECONDS,
    )
    Database(dynamodb_client(store.endpoint_url)).put(jobs.create(store.core_table, job))


def with_names(event: str, store: ContainerStore) -> str:
    """A sample event's text with the demo user and its key in place of nobody's."""
    return event.replace(SAMPLE_KEY, store.api_key).replace(SAMPLE_USER, store.user_id)


def made(store: ContainerStore) -> dict[str, bytes]:
    """The objects in the results' bucket, by key."""
    s3 = s3_client(store.endpoint_url)
    listed = s3.list_objects_v2(Bucket=store.results_bucket).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=store.results_bucket, Key=item["Key"])["Body"].read() for item in listed}


def described(objects: dict[str, bytes]) -> str:
    """A line an object, for a person."""
    return "".join(f"{json.dumps(key, ensure_ascii=False)}: {len(data)} bytes\n" for key, data in objects.items())
