"""The service that processes objects, put together from a function's settings."""

from typing import Any

from rmbg.config import ProcessingSettings
from rmbg.services.credits import Credits
from rmbg.services.object_results import ObjectResults
from rmbg.services.process_object import ProcessObject
from rmbg.services.remove_background import Imaging
from rmbg.storage.notices import Notices
from rmbg.storage.objects import open_objects
from rmbg.storage.store import open_store


def process_object(settings: ProcessingSettings, imaging: Imaging[Any, Any, Any]) -> ProcessObject:
    """Its clients are made by their first calls."""
    store = open_store(settings.core_table, settings.ephemeral_table, settings.dynamodb_endpoint_url)
    objects = open_objects(settings.objects.endpoint_url)
    return ProcessObject(
        store,
        Credits(store, settings.catalogue),
        objects,
        ObjectResults(objects, settings.objects.results_bucket),
        Notices(settings.completion_topic_arn),
        imaging,
    )
