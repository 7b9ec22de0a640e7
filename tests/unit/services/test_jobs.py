"""Making jobs and reporting them, with the clock turned."""

import json
from dataclasses import replace
from typing import Any

import pytest

from rmbg.domain.credits import Channel
from rmbg.domain.jobs import JobStatus
from rmbg.errors import PublicError
from rmbg.services.create_job import parse_job_request
from rmbg.services.process_object import Outcome
from rmbg.storage.database import StoreUnavailable
from tests.support.folder import Folder
from tests.support.objects import RESULTS, MemoryObjects

DAY = 86_400


@pytest.fixture
def folder() -> Folder:
    return Folder()


def refusal(folder: Folder, *arguments: Any, **more: Any) -> tuple[int, str]:
    with pytest.raises(PublicError) as raised:
        folder.job(*arguments, **more)
    return raised.value.status, raised.value.message


def test_a_request_is_kept_as_it_was_meant(folder: Folder) -> None:
    job = folder.job('{"filename": "C:\\\\x\\\\ü.JPG", "w": 8, "mask": true, "h": null}', channel=Channel.APP)
    assert folder.report(job).job == job
    assert (job.filename, job.fields, job.channel) == ("ü.jpg", {"w": "8", "mask": "true"}, Channel.APP)
    assert (job.expires_at - job.created_at, job.ends_at - job.created_at) == (900, 8 * DAY)


def test_an_endless_name_is_cut_and_keeps_its_extension() -> None:
    request = parse_job_request(b'{"filename": "' + b"x" * 70_000 + b'.png"}')
    assert request.filename == "x" * 200 + ".png"


@pytest.mark.parametrize(
    ("first", "second"), [('"w": 8', '"w": " 8 "'), ("", '"h": 0'), ('"format": "JPG"', '"format": "jpeg"')]
)
def test_what_means_the_same_is_the_same(first: str, second: str) -> None:
    prints = {
        parse_job_request(f'{{"filename": "a.jpg"{", " + fields if fields else ""}}}'.encode()).fingerprint
        for fields in (first, second)
    }
    assert len(prints) == 1


def test_what_means_something_else_is_another() -> None:
    bodies = ['{"filename": "a.jpg"}', '{"filename": "b.jpg"}', '{"filename": "a.jpg", "w": 8}']
    bodies += ['{"filename": "a.jpg", "size_bytes": 8}', '{"filename": "a.jpg", "size_bytes": 9}']
    assert len({parse_job_request(body.encode()).fingerprint for body in bodies}) == 5


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("0", "Uploaded file is empty (0 bytes)."),
        ("52428800", ""),
        ("52428801", "File size (50.0 MB) exceeds the maximum allowed size of 50 MB."),
        ('""', ""),
        ("null", ""),
        ('" 7 "', ""),
        ("1.0", "'size_bytes' must be an integer, got: '1.0'"),
        ("1e3", "'size_bytes' must be an integer, got: '1e3'"),
        ("NaN", "'size_bytes' must be an integer, got: 'NaN'"),
        ("true", "'size_bytes' must be an integer, got: 'true'"),
        ("-0", "Uploaded file is empty (0 bytes)."),
        ("-7", "'size_bytes' must be at least 0, got: -7"),
    ],
)
def test_sizes(folder: Folder, size: str, message: str) -> None:
    body = f'{{"filename": "a.jpg", "size_bytes": {size}}}'
    if message:
        assert refusal(folder, body) == (400, message)
    else:
        folder.job(body)


def test_a_key_gives_the_same_job_for_24_hours(folder: Folder) -> None:
    first = folder.job(key="k")
    folder.clock.advance(DAY - 1)
    again = folder.job(key="k")
    assert again.id == first.id
    assert again.expires_at == first.expires_at + DAY - 1
    assert folder.report(again).job == again
    assert refusal(folder, '{"filename": "b.jpg"}', key="k")[0] == 422
    folder.clock.advance(1)
    assert folder.job('{"filename": "b.jpg"}', key="k").id != first.id


def test_a_job_that_is_done_is_given_again_as_it_is(folder: Folder) -> None:
    first = folder.job(key="k")
    assert folder.process(folder.send(first)) is Outcome.DONE
    again = folder.job(key="k")
    assert (again.id, again.status) == (first.id, JobStatus.DONE)
    assert folder.report(first).job.status is JobStatus.DONE


def test_a_key_whose_job_cannot_be_read_is_no_second_job(folder: Folder) -> None:
    first = folder.job(key="k")
    folder.tables.delete_item(TableName="core", Key={"pk": {"S": f"U#{folder.uid}"}, "sk": {"S": f"J#{first.id}"}})
    with pytest.raises(StoreUnavailable):
        folder.job(key="k")


def test_a_report_s_link_names_the_file_and_is_made_anew_each_time(folder: Folder) -> None:
    job = folder.job('{"filename": "ü.jpg"}')
    folder.process(folder.send(job))
    first = folder.report(job).link
    folder.clock.advance(60)
    second = folder.report(job).link
    assert first is not None
    assert second is not None
    assert second.expires_at == first.expires_at + 60 == int(folder.clock()) + 900
    assert first.url.startswith(f"https://{RESULTS}.s3/jobs/{folder.uid}/{job.id}/")
    assert "/ü-rmbg.webp?" in first.url


def test_a_link_is_made_for_nothing_but_a_result(folder: Folder) -> None:
    waiting, failed = folder.job(), folder.job()
    folder.process(folder.send(failed, b"none"))
    for job in (waiting, failed):
        assert folder.report(job).link is None


def test_a_result_is_there_for_seven_days(folder: Folder) -> None:
    job = folder.job()
    folder.process(folder.send(job))
    folder.clock.advance(7 * DAY - 1)
    assert folder.report(job).job.status is JobStatus.DONE
    folder.clock.advance(1)
    with pytest.raises(PublicError, match="Job not found"):
        folder.report(job)


def test_another_s_job_is_not_found(folder: Folder) -> None:
    job = folder.job()
    for other in (replace(job, uid="other"), replace(job, id=job.id[:-1] + "!"), replace(job, id="job_" + "0" * 22)):
        with pytest.raises(PublicError) as raised:
            folder.report(other)
        assert (raised.value.status, raised.value.message) == (404, "Job not found.")


def test_an_upload_that_came_late_is_done_all_the_same(folder: Folder) -> None:
    job = folder.job()
    folder.clock.advance(5000)
    seen = folder.report(job).job
    assert (seen.status, seen.error and seen.error["status"]) == (JobStatus.FAILED, 410)
    assert folder.process(folder.send(job)) is Outcome.DONE
    assert folder.report(job).job.status is JobStatus.DONE


def test_the_form_is_for_the_inputs_alone(folder: Folder) -> None:
    assert isinstance(folder.objects, MemoryObjects)
    folder.job()
    assert folder.objects.calls == ["generate_presigned_post"]


@pytest.mark.parametrize("filename", ["photos/", "a\\", "/"])
def test_a_folder_s_name_is_a_file_without_one(filename: str) -> None:
    assert parse_job_request(json.dumps({"filename": filename}).encode()).filename == "image"


def test_no_depth_is_a_fault_of_ours() -> None:
    for depth in range(900, 1100):
        with pytest.raises(PublicError) as caught:
            parse_job_request(b'{"filename": "a.jpg", "w": ' + b"[" * depth + b"]" * depth + b"}")
        assert caught.value.status == 400
