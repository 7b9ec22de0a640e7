"""Jobs as their owners see them, and options as they are kept."""

from dataclasses import replace
from typing import Any

import pytest

from rmbg.domain.credits import Channel
from rmbg.domain.jobs import (
    Job,
    JobStatus,
    as_seen,
    as_text,
    canonical_fields,
    fields_of_document,
    fields_of_metadata,
)
from rmbg.domain.options import Options, parse_options

WAITING = Job(
    id="job_1",
    uid="u",
    status=JobStatus.WAITING,
    fields={},
    filename="a.jpg",
    channel=Channel.API,
    created_at=1000,
    expires_at=1900,
    ends_at=1000 + 8 * 86_400,
)


@pytest.mark.parametrize(("now", "status"), [(1000, "waiting_for_upload"), (5499, "waiting_for_upload")])
def test_a_job_waits_an_hour_longer_than_its_form_is_good_for(now: int, status: str) -> None:
    seen = as_seen(WAITING, now)
    assert seen is not None
    assert (seen.status, seen.error) == (status, None)


@pytest.mark.parametrize("now", [5500, 100_000])
def test_an_upload_that_never_came(now: int) -> None:
    seen = as_seen(WAITING, now)
    assert seen is not None
    assert (seen.status, seen.error) == ("failed", {"error": "The upload did not arrive in time.", "status": 410})


def test_work_that_was_never_finished() -> None:
    working = replace(WAITING, status=JobStatus.PROCESSING, started_at=10_000)
    before, after = as_seen(working, 17_199), as_seen(working, 17_200)
    assert (before, after is not None and after.status) == (working, "failed")
    assert after is not None
    assert after.error == {"error": "Internal server error", "status": 500}


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_that_is_over_is_none(status: JobStatus) -> None:
    job = replace(WAITING, status=status, started_at=WAITING.ends_at)
    assert as_seen(job, job.ends_at - 1) is not None
    assert as_seen(job, job.ends_at) is None


@pytest.mark.parametrize("status", [JobStatus.DONE, JobStatus.FAILED])
def test_what_has_ended_stays_as_it_is(status: JobStatus) -> None:
    job = replace(WAITING, status=status)
    assert as_seen(job, 500_000) == job


def test_metadata_in_any_spelling() -> None:
    metadata = {"rmbg-format": "png", "RMBG-BG-COLOR": "red", "rmbg-exact_resize": "1", "Rmbg-W": "8", "w": "9"}
    assert fields_of_metadata(metadata) == {"format": "png", "bg_color": "red", "exact_resize": "1", "w": "8"}
    assert fields_of_metadata({"rmbg-image": "x", "rmbg-": "y", "other": "z"}) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        (True, "true"),
        (False, "false"),
        (8, "8"),
        (-45.5, "-45.5"),
        (["ü"], '["ü"]'),
        ({}, "{}"),
        ("\ud800x", "?x"),
        ("", ""),
    ],
)
def test_json_values_are_judged_by_their_text(value: Any, text: str) -> None:
    assert as_text(value) == text


def test_null_is_unset_and_what_is_unknown_is_left_out() -> None:
    assert fields_of_document({"w": None, "h": 0, "mask": False, "filename": "a", "x": 1}) == {
        "h": "0",
        "mask": "false",
    }


@pytest.mark.parametrize(
    ("fields", "canonical"),
    [
        ({}, {}),
        ({"w": "0", "h": "", "mask": "no", "expand": "yes", "angle": "-0.0", "format": "WEBP"}, {}),
        (
            {"w": "+8", "format": "JPG", "bg_color": "Red", "angle": "1e1", "expand": "off", "exact_resize": "ON"},
            {
                "w": "8",
                "format": "jpeg",
                "bg_color": "#ff0000ff",
                "angle": "10.0",
                "expand": "false",
                "exact_resize": "true",
            },
        ),
        ({"h": "10000", "mask": "1"}, {"h": "10000", "mask": "true"}),
    ],
)
def test_options_are_kept_in_one_form(fields: dict[str, str], canonical: dict[str, str]) -> None:
    options, problems = parse_options(fields)
    assert problems == []
    assert canonical_fields(options) == canonical
    assert parse_options(canonical) == (replace(options, angle_degrees=options.angle_degrees + 0.0), [])


def test_the_default_options_need_no_fields() -> None:
    assert canonical_fields(Options()) == {}
