"""An object becomes a result and costs one credit, whatever happens on the way and however often it is told of."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from rmbg.domain.credits import Channel
from rmbg.domain.jobs import JobStatus
from rmbg.errors import PublicError
from rmbg.services.process_object import Outcome
from rmbg.storage import accounts, jobs, schema
from rmbg.storage.database import StoreUnavailable
from rmbg.storage.expressions import get
from rmbg.storage.objects import ObjectsUnavailable
from tests.support.folder import UID, Folder
from tests.support.objects import Fate, Fates, Killed


@pytest.fixture
def folder() -> Folder:
    return Folder()


# --- what is done


def test_a_file_of_the_inbox_becomes_a_result_beside_its_like(folder: Folder) -> None:
    key = folder.inbox("holidays/a b+c.jpg", format="png")
    assert folder.process(key) is Outcome.DONE
    assert folder.objects.results == [f"results/{UID}/holidays/a b+c.png"]
    stored = folder.objects.buckets["results"][f"results/{UID}/holidays/a b+c.png"]
    assert (stored.data, stored.content_type) == (b"cut out of image", "image/png")
    assert folder.charged() == 1


def test_a_job_becomes_done_with_the_options_it_was_made_with(folder: Folder) -> None:
    job = folder.job('{"filename": "ü.jpg", "format": "png"}', channel=Channel.APP)
    key = folder.send(job)
    assert folder.process(key) is Outcome.DONE
    report = folder.report(job)
    assert report.job.status is JobStatus.DONE
    assert report.job.result is not None
    assert report.job.result.key.startswith(f"jobs/{UID}/{job.id}/")
    assert report.job.result.key.endswith("/ü-rmbg.png")
    assert folder.objects.results == [report.job.result.key]
    (window,) = folder.windows()
    assert (window.app, window.api) == (1, 0)
    assert folder.charged() == 1


def test_prepaid_credits_pay_too() -> None:
    folder = Folder(included=0, prepaid=3)
    assert folder.process(folder.inbox()) is Outcome.DONE
    assert folder.charged(prepaid=3) == 1


def test_more_in_flight_than_a_plan_has_is_no_reason_to_fail(folder: Folder) -> None:
    def work(stage: str) -> None:
        if stage == "segment" and len(keys) < 30:
            keys.append(folder.inbox(f"{len(keys)}.jpg"))
            folder.process(keys[-1])

    keys: list[str] = []
    folder.imaging.on = work
    assert folder.process(folder.inbox("first.jpg")) is Outcome.DONE
    assert len(folder.objects.results) == 31
    assert folder.charged() == 31


# --- again, elsewhere, out of order


def test_a_second_delivery_does_nothing(folder: Folder) -> None:
    for key in (folder.inbox(), folder.send(folder.job())):
        assert [folder.process(key) for _ in range(3)] == [Outcome.DONE, Outcome.SETTLED, Outcome.SETTLED]
    assert folder.imaging.made == 2
    assert folder.charged() == 2


@pytest.mark.parametrize("stage", ["decode", "segment", "encode"])
@pytest.mark.parametrize("kind", ["inbox", "job"])
def test_two_deliveries_at_once_are_paid_once(folder: Folder, stage: str, kind: str) -> None:
    key = folder.inbox() if kind == "inbox" else folder.send(folder.job())
    outcomes: list[Outcome] = []

    def meanwhile(at: str) -> None:
        if at == stage and not outcomes:
            outcomes.append(Outcome.DONE)  # not once more
            outcomes[0] = folder.process(key)

    folder.imaging.on = meanwhile
    outcomes.append(folder.process(key))
    assert outcomes == [Outcome.DONE, Outcome.SETTLED]
    assert len(folder.objects.results) == 1
    (window,) = folder.windows()
    assert (window.used, window.in_flight) == (1, 0)  # at once, not when the lease is over
    assert folder.charged() == 1
    assert len(folder.topic.told) == 1


def test_an_event_whose_object_is_gone_is_settled(folder: Folder) -> None:
    job = folder.job()
    for key in (folder.inbox(), folder.send(job)):
        folder.objects.delete(key)
        assert folder.process(key) is Outcome.SETTLED
    assert folder.report(job).job.status is JobStatus.WAITING
    assert folder.charged() == 0


@pytest.mark.parametrize("deleted", [True, False])
def test_an_object_that_changes_between_two_looks_is_left_to_its_own_event(folder: Folder, deleted: bool) -> None:
    key = folder.inbox()

    def change(operation: str, _: str) -> None:
        if operation == "get_object":
            folder.objects.on = lambda *_: None
            if deleted:
                folder.objects.delete(key)
            else:
                folder.inbox(data=b"image, another")

    folder.objects.on = change
    assert folder.process(key) is Outcome.SETTLED
    assert (folder.objects.results, folder.imaging.made) == ([], 0)
    if not deleted:
        assert folder.process(key) is Outcome.DONE
        assert folder.objects.result(f"results/{UID}/a.webp") == b"cut out of image, another"
    assert folder.charged() == (0 if deleted else 1)


@pytest.mark.parametrize("stage", ["decode", "segment", "encode"])
def test_of_an_object_that_is_overwritten_while_it_is_worked_on_the_last_one_counts(folder: Folder, stage: str) -> None:
    key = folder.inbox()

    def overwrite(reached: str) -> None:
        if reached == stage:
            folder.imaging.on = lambda _: None
            folder.inbox(data=b"image, another")

    folder.imaging.on = overwrite
    assert folder.process(key) is Outcome.SETTLED
    assert folder.process(key) is Outcome.DONE  # the second upload's own event
    assert folder.objects.result(f"results/{UID}/a.webp") == b"cut out of image, another"
    assert folder.charged() == 1


def test_a_slow_older_version_never_lands_over_the_newer_one(folder: Folder) -> None:
    key = folder.inbox(data=b"image, old")

    def overtaken(stage: str) -> None:
        folder.imaging.on = lambda _: None
        folder.inbox(data=b"image, new")
        assert folder.process(key) is Outcome.DONE

    folder.imaging.on = overtaken
    assert folder.process(key) is Outcome.SETTLED
    assert folder.objects.result(f"results/{UID}/a.webp") == b"cut out of image, new"
    assert folder.charged() == 1


def test_of_two_uploads_at_once_the_one_that_is_paid_is_told(folder: Folder) -> None:
    job = folder.job()
    key = folder.send(job, b"image, first")

    def another(stage: str) -> None:
        folder.imaging.on = lambda _: None
        folder.send(job, b"image, the second")
        assert folder.process(key) is Outcome.DONE

    folder.imaging.on = another
    assert folder.process(key) is Outcome.SETTLED
    result = folder.report(job).job.result
    assert result is not None
    assert folder.objects.result(result.key) == b"cut out of image, the second"
    assert result.size_bytes == len(b"cut out of image, the second")
    assert folder.charged() == 1


def test_no_file_s_result_is_another_s(folder: Folder) -> None:
    for path in ("a.webp", "a.jpg.webp", "a.jpg"):
        assert folder.process(folder.inbox(path, b"image " + path.encode())) is Outcome.DONE
    made = {folder.objects.result(key) for key in folder.objects.results}
    assert made == {b"cut out of image a.webp", b"cut out of image a.jpg.webp", b"cut out of image a.jpg"}


def test_events_out_of_order_have_the_last_object_made_once(folder: Folder) -> None:
    key = folder.inbox(data=b"image 1")
    folder.inbox(data=b"image 2")
    assert [folder.process(key), folder.process(key)] == [Outcome.DONE, Outcome.SETTLED]
    assert folder.objects.result(f"results/{UID}/a.webp") == b"cut out of image 2"
    assert folder.charged() == 1


def test_a_second_upload_to_a_job_that_is_done_is_ignored(folder: Folder) -> None:
    job = folder.job()
    folder.process(folder.send(job))
    before = folder.report(job)
    for data in (b"image, another", b"no picture", b""):
        assert folder.process(folder.send(job, data)) is Outcome.SETTLED
        assert folder.report(job) == before
    assert before.job.result is not None
    assert folder.objects.result(before.job.result.key) == b"cut out of image"
    assert folder.charged() == 1


def test_a_job_that_has_failed_stays_failed_while_a_fault_of_ours_may_be_made_good(folder: Folder) -> None:
    failed, faulty = folder.job(), folder.job()
    assert folder.process(folder.send(failed, b"none")) is Outcome.FAILED
    assert folder.process(folder.send(failed)) is Outcome.SETTLED
    assert folder.report(failed).job.error == {
        "error": "File does not appear to be a valid image (invalid file signature)",
        "status": 400,
    }
    update = jobs.fail(folder.store.core, UID, faulty.id, {"error": "Internal server error", "status": 500})
    folder.store.database.update(update)
    assert folder.process(folder.send(faulty)) is Outcome.DONE
    assert folder.report(faulty).job.error is None
    assert folder.charged() == 1


def test_a_job_that_failed_meanwhile_is_not_paid(folder: Folder) -> None:
    job = folder.job()
    key = folder.send(job)

    def fail(stage: str) -> None:
        folder.imaging.on = lambda _: None
        folder.process(folder.send(job, b"none"))

    folder.imaging.on = fail
    assert folder.process(key) is Outcome.SETTLED
    assert folder.report(job).job.status is JobStatus.FAILED
    assert folder.charged() == 0


def test_the_same_bytes_again_after_their_result_is_gone_are_made_again(folder: Folder) -> None:
    key = folder.inbox()
    folder.process(key)
    folder.clock.advance(7 * 86_400 - 1)
    assert folder.process(key) is Outcome.SETTLED
    folder.clock.advance(1)
    assert [folder.process(key), folder.process(key)] == [Outcome.DONE, Outcome.SETTLED]


def test_the_same_bytes_with_other_options_are_other_work(folder: Folder) -> None:
    key = folder.inbox(format="png")
    assert folder.process(key) is Outcome.DONE
    folder.inbox(format="bmp")
    assert [folder.process(key), folder.process(key)] == [Outcome.DONE, Outcome.SETTLED]
    assert folder.objects.results == [f"results/{UID}/a.bmp", f"results/{UID}/a.png"]
    assert folder.charged() == 2


# --- what is nobody's fault but the owner's


@pytest.mark.parametrize(
    ("path", "data", "metadata", "message"),
    [
        ("a.exe", b"image", {}, "File type '.exe' is not supported. Allowed formats: webp, bmp, png, jpg, jpeg"),
        ("a.jpg", b"", {}, "Uploaded file is empty (0 bytes)."),
        ("a.jpg", b"none", {}, "File does not appear to be a valid image (invalid file signature)"),
        ("a.jpg", b"image", {"w": "x"}, "'w' must be an integer, got: 'x'"),
        ("a.jpg", b"image", {"bg-color": "x"}, "Invalid color format 'x'. Use hex format: #RGB, "),
        ("a.jpg", b"image", {"w": "x", "exact_resize": "y"}, "Multiple validation errors"),
    ],
)
def test_what_is_wrong_lies_beside_where_the_result_would_be(
    folder: Folder, path: str, data: bytes, metadata: dict[str, str], message: str
) -> None:
    key = folder.inbox(f"x/{path}", data, **metadata)
    for _ in range(2):
        assert folder.process(key) is Outcome.FAILED
    assert folder.objects.results == [f"results/{UID}/x/{path}.error.json"]
    document = json.loads(folder.objects.result(f"results/{UID}/x/{path}.error.json"))
    assert (document["error"].startswith(message), document["status"]) == (True, 400)
    assert folder.charged() == 0


@pytest.mark.parametrize(
    ("size_bytes", "refused"), [(52_428_799, False), (52_428_800, False), (52_428_801, True)], ids=str
)
def test_what_is_too_large_is_known_without_its_bytes(folder: Folder, size_bytes: int, refused: bool) -> None:
    data = b"image".ljust(size_bytes, b" ")
    job = folder.job()
    outcome = folder.process(folder.send(job, data))
    assert outcome is (Outcome.FAILED if refused else Outcome.DONE)
    assert ("get_object" in folder.objects.calls) is not refused
    if refused:
        expected = {"error": "File size (50.0 MB) exceeds the maximum allowed size of 50 MB.", "status": 400}
        assert folder.report(job).job.error == expected


def test_no_credits_left() -> None:
    folder = Folder(included=1)
    assert folder.process(folder.inbox("1.jpg")) is Outcome.DONE
    job = folder.job()
    assert folder.process(folder.inbox("2.jpg")) is Outcome.FAILED
    assert folder.process(folder.send(job)) is Outcome.FAILED
    assert folder.report(job).job.error == {
        "error": "You've reached your monthly limit. Consider purchasing more credits.",
        "status": 429,
    }
    assert folder.charged() == 1


def test_nobody_s_and_a_suspended_account_s_files(folder: Folder) -> None:
    folder.objects.upload("inbox/nobody/a.jpg", b"image")
    assert folder.process("inbox/nobody/a.jpg") is Outcome.FAILED
    assert json.loads(folder.objects.result("results/nobody/a.jpg.error.json"))["error"] == "User not found."
    folder.store.database.update(accounts.suspend(folder.store.core, UID, suspended=True))
    assert folder.process(folder.inbox()) is Outcome.FAILED
    assert json.loads(folder.objects.result(f"results/{UID}/a.jpg.error.json"))["status"] == 403


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a.jpg",
        "inbox/a.jpg",
        f"inbox/{UID}/",
        f"inbox/{UID}/folder/",
        "inbox/a b/x.jpg",
        f"results/{UID}/a.jpg",
        f"jobs/{UID}/job_{'0' * 22}/a.jpg",
        f"uploads/{UID}/a.jpg",
        f"uploads/{UID}/job_1/a.jpg",
        f"uploads/{UID}/job_{'0' * 22}/x/a.jpg",
        f"inbox/{UID}/{'x' * 1000}.jpg",
        f"Inbox/{UID}/a.jpg",
    ],
)
def test_what_is_no_input_is_left_alone(folder: Folder, key: str) -> None:
    folder.objects.upload(key, b"image")
    assert folder.process(key) is Outcome.FOREIGN
    assert folder.objects.calls == []


def test_an_upload_without_a_job_is_ignored(folder: Folder) -> None:
    job = replace(folder.job(), id="job_" + "0" * 22)
    for data in (b"image", b""):
        assert folder.process(folder.send(job, data)) is Outcome.SETTLED
    assert folder.objects.results == []
    assert folder.charged() == 0


# --- faults


class _Fault(Exception):
    """Something of ours broke."""


def _breaks(stage: str) -> None:
    if stage == "render":
        raise _Fault


@pytest.mark.parametrize("kind", ["inbox", "job"])
def test_a_fault_of_ours_is_raised_and_costs_nothing_and_is_told_at_the_end(folder: Folder, kind: str) -> None:
    job = folder.job()
    key = folder.inbox() if kind == "inbox" else folder.send(job)
    folder.imaging.on = _breaks
    for _ in range(4):
        with pytest.raises(_Fault):
            folder.process(key)
    assert folder.objects.results == []
    assert folder.report(job).job.status is (JobStatus.PROCESSING if kind == "job" else JobStatus.WAITING)
    with pytest.raises(_Fault):
        folder.process(key, last=True)
    expected = {"error": "Internal server error", "status": 500}
    if kind == "job":
        assert folder.report(job).job.error == expected
    else:
        assert json.loads(folder.objects.result(f"results/{UID}/a.jpg.error.json")) == expected
    folder.imaging.on = lambda _: None
    assert folder.process(key) is Outcome.DONE  # an operator has sent it once more
    assert folder.charged() == 1


def test_work_that_takes_too_long_is_given_back_and_comes_again(folder: Folder) -> None:
    def slow(stage: str) -> None:
        if stage == "encode":
            folder.clock.advance(116)

    folder.imaging.on = slow
    key = folder.inbox()
    with pytest.raises(PublicError) as raised:
        folder.process(key)
    assert raised.value.status == 503
    folder.imaging.on = lambda _: None
    assert folder.process(key) is Outcome.DONE
    assert folder.charged() == 1


def _fates(fate: Fate, at: int) -> Fates:
    return Fates(lambda _, number: fate if number == at else None)


def _number_of_calls(kind: str) -> int:
    folder, fates = Folder(), Fates(lambda *_: None)
    folder.process(folder.inbox() if kind == "inbox" else folder.send(folder.job()), fates=fates)
    assert fates.calls.count("transact_write_items") == 1
    return len(fates.calls)


CALLS = [(kind, fate, at) for kind in ("inbox", "job") for fate in Fate for at in range(1, _number_of_calls(kind) + 1)]


@pytest.mark.parametrize(("kind", "fate", "at"), CALLS, ids=lambda part: getattr(part, "name", str(part)))
def test_a_call_that_fails_anywhere_costs_nothing_more(
    kind: str, fate: Fate, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Throttled, unanswered, or the end of the process, at each single call: one result, one credit."""
    folder = Folder()
    job = folder.job()
    key = folder.inbox() if kind == "inbox" else folder.send(job)
    try:
        first = folder.process(key, fates=_fates(fate, at))
    except (StoreUnavailable, ObjectsUnavailable, Killed):
        first = None
    while folder.process(key) not in {Outcome.DONE, Outcome.SETTLED}:
        pytest.fail("it is not done")
    assert first is not Outcome.FAILED
    if kind == "job":
        assert folder.report(job).job.status is JobStatus.DONE
    assert [key for key in folder.objects.results if key.endswith(".webp")] == folder.objects.results
    assert len(folder.objects.results) == 1
    assert folder.charged() == 1


def test_storage_that_stays_down_is_raised(folder: Folder) -> None:
    key = folder.inbox()
    for fates in (
        Fates(lambda operation, _: Fate.THROTTLED if "object" in operation else None),
        Fates(lambda operation, _: None if "object" in operation else Fate.THROTTLED),
    ):
        with pytest.raises((StoreUnavailable, ObjectsUnavailable)):
            folder.process(key, fates=fates, last=True)
    assert folder.process(key) is Outcome.DONE
    assert folder.charged() == 1


def test_a_transaction_that_never_answers_is_tried_to_the_end_and_then_given_back(folder: Folder) -> None:
    key = folder.inbox()

    def of(operation: str, _: int) -> Fate | None:
        if operation != "transact_write_items":
            return None
        folder.clock.advance(60)
        return Fate.THROTTLED

    with pytest.raises(StoreUnavailable):
        folder.process(key, fates=Fates(of))
    assert folder.process(key) is Outcome.DONE
    assert folder.charged() == 1


def test_a_lease_that_was_over_before_the_end_is_paid_by_the_next_delivery(folder: Folder) -> None:
    key = folder.inbox()

    def sweep(operation: str, _: int) -> None:
        if operation == "transact_write_items":
            assert folder.charged() == 0

    with pytest.raises(StoreUnavailable):
        folder.process(key, fates=Fates(sweep))
    assert folder.process(key) is Outcome.DONE
    assert folder.charged() == 1


def test_a_transaction_whose_answer_was_lost_knows_its_own_mark(folder: Folder) -> None:
    seen: list[str] = []

    def of(operation: str, _: int) -> Fate | None:
        seen.append(operation)
        lost = operation == "transact_write_items" and seen.count(operation) == 1
        return Fate.UNANSWERED if lost else None

    assert folder.process(folder.inbox(), fates=Fates(of)) is Outcome.DONE
    assert seen.count("transact_write_items") == 2
    assert len(folder.topic.told) == 1
    assert folder.charged() == 1


def test_files_that_want_one_name_both_have_a_result_and_keep_it(folder: Folder) -> None:
    keys = [folder.inbox("a.jpg", b"image jpg"), folder.inbox("a.png", b"image png")]
    for key in keys:
        folder.process(key, fates=_fates(Fate.THROTTLED, _number_of_calls("inbox")))
    for key in reversed(keys):
        folder.process(key)
    assert folder.objects.result(f"results/{UID}/a.webp") == b"cut out of image jpg"
    assert folder.objects.result(f"results/{UID}/a.png.webp") == b"cut out of image png"
    folder.inbox("a.jpg", b"image jpg, another")
    folder.process(keys[0])
    assert folder.objects.result(f"results/{UID}/a.webp") == b"cut out of image jpg, another"
    assert len(folder.objects.results) == 2


# --- notices


def test_who_is_told_of_what(folder: Folder) -> None:
    job = folder.job()
    keys = [folder.send(job), folder.inbox("x/b.jpg", b"none")]
    for key in keys:
        for _ in range(2):
            folder.process(key)
    statuses = [each["MessageAttributes"]["status"]["StringValue"] for each in folder.topic.told]
    told = [json.loads(each["Message"]) for each in folder.topic.told]
    done: dict[str, Any] = {
        "status": "done",
        "user_id": UID,
        "job_id": job.id,
        "input": {"bucket": "inputs", "key": keys[0]},
        "result": {
            "bucket": "results",
            "key": folder.objects.results[0],
            "media_type": "image/webp",
            "width": 4,
            "height": 3,
            "size_bytes": 16,
        },
    }
    failed: dict[str, Any] = {
        "status": "failed",
        "user_id": UID,
        "input": {"bucket": "inputs", "key": keys[1]},
        "error": {"error": "File does not appear to be a valid image (invalid file signature)", "status": 400},
    }
    assert told == [done, failed, failed]
    assert statuses == ["done", "failed", "failed"]


def test_a_topic_that_is_down_holds_nothing_up(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.topic.failure = EndpointConnectionError(endpoint_url="https://sns")
    assert folder.process(folder.inbox()) is Outcome.DONE
    assert "NoticeNotSent" in capsys.readouterr().out


def test_no_name_of_a_file_is_logged(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    for key in (folder.inbox("secret.jpg"), folder.inbox("secret2.jpg", b"none"), "inbox/secret"):
        folder.process(key)
    assert caplog.records
    assert "secret" not in "".join(str(vars(record)) for record in caplog.records)


def test_the_done_marker_says_who_was_paid_and_what_for(folder: Folder) -> None:
    job = folder.job()
    folder.process(folder.send(job))
    row = folder.store.database.get(get(folder.store.core, schema.done(UID, job.id)))
    assert row is not None
    assert (row["result"], len(str(row["owner"]))) == (folder.objects.results[0], 22)
    assert row["ttl"] == int(folder.clock()) + 40 * 86_400
