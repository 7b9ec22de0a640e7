"""The picture of the sample events, and what S3 and SQS tell of one that was put into the inbox.

Sources: Amazon S3 User Guide, "Event message structure" (version 2.1; keys are encoded as in a form: `a b+c` is
`a+b%2Bc`); AWS Lambda Developer Guide, "Using Lambda with Amazon SQS".
"""

import hashlib
import io
import json
from typing import Any, Final
from urllib.parse import quote_plus

from PIL import Image, ImageDraw

# `make invoke` makes the bucket and puts the picture there, for its own demo user.
SAMPLE_BUCKET: Final = "rmbg-sample-inputs"
SAMPLE_USER: Final = "usr_of_nobody"
SAMPLE_OBJECT: Final = "holiday photos/disc 1+1 Фото.jpg"
SAMPLE_JOB: Final = "job_ofNobody00000000000000"

_REGION: Final = "eu-central-1"
_ACCOUNT: Final = "123456789012"
_TIME: Final = "2026-01-01T00:00:00.000Z"
_TIME_MILLISECONDS: Final = "1767225600000"
_QUEUE: Final = "ImageObjects"
_SIZE: Final = (160, 120)


def disc_jpeg() -> bytes:
    """A dark red disc on a light ground, as JPEG: the smallest picture with an obvious foreground."""
    width, height = _SIZE
    picture = Image.new("RGB", _SIZE, (236, 238, 240))
    radius = height * 3 // 8
    box = (width // 2 - radius, height // 2 - radius, width // 2 + radius, height // 2 + radius)
    ImageDraw.Draw(picture).ellipse(box, fill=(150, 32, 40))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return file.getvalue()


def inbox_key(user_id: str) -> str:
    """The key of the sample picture in a user's inbox."""
    return f"inbox/{user_id}/{SAMPLE_OBJECT}"


def s3_event() -> dict[str, Any]:
    """What S3 sends when the picture was put there; also the body of the message on a queue."""
    data = disc_jpeg()
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": _REGION,
                "eventTime": _TIME,
                "eventName": "ObjectCreated:Put",
                "userIdentity": {"principalId": "AWS:AIDASAMPLE"},
                "requestParameters": {"sourceIPAddress": "192.0.2.7"},
                "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8="},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "inbox",
                    "bucket": {
                        "name": SAMPLE_BUCKET,
                        "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                        "arn": f"arn:aws:s3:::{SAMPLE_BUCKET}",
                    },
                    "object": {
                        "key": quote_plus(inbox_key(SAMPLE_USER), safe="/"),
                        "size": len(data),
                        "eTag": hashlib.md5(data, usedforsecurity=False).hexdigest(),
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            }
        ]
    }


def sqs_event() -> dict[str, Any]:
    """The batch of one message that Lambda takes from the queue."""
    body = json.dumps(s3_event())
    return {
        "Records": [
            {
                "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": _TIME_MILLISECONDS,
                    "SenderId": "AIDASAMPLE:S3-PROD-END",
                    "ApproximateFirstReceiveTimestamp": _TIME_MILLISECONDS,
                },
                "messageAttributes": {},
                "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:{_QUEUE}",
                "awsRegion": _REGION,
            }
        ]
    }
