"""Keys of objects: what belongs to whom, and where its result goes."""

import pytest

from rmbg.domain.object_keys import (
    InputKey,
    answer_key,
    charge_id,
    inbox_error_key,
    inbox_result_key,
    inbox_second_result_key,
    inbox_third_result_key,
    is_job_id,
    job_result_key,
    mark,
    parse_input_key,
    upload_key,
)

JOB = "job_" + "a1B2" * 5 + "zz"


def inbox(path: str, uid: str = "u") -> InputKey:
    source = parse_input_key(f"inbox/{uid}/{path}")
    assert source is not None
    return source


def test_a_job_s_upload_and_a_file_of_the_inbox() -> None:
    assert parse_input_key(f"uploads/u/{JOB}/a.jpg") == InputKey("u", JOB, "a.jpg")
    assert parse_input_key("inbox/a@b.example/x/y z/a+b.jpg") == InputKey("a@b.example", "", "x/y z/a+b.jpg")
    assert inbox("x/y z/a+b.jpg").filename == "a+b.jpg"
    assert inbox("/a.jpg").path == "/a.jpg"


@pytest.mark.parametrize(("length", "fits"), [(999, True), (1000, True), (1001, False)])
def test_a_key_leaves_room_for_what_its_results_are_called(length: int, fits: bool) -> None:
    for letter in ("x", "ü"):
        key = "inbox/u/" + letter * ((length - 12) // len(letter.encode())) + ".jpg"
        key = key.ljust(length - len(key.encode()) + len(key), "g")
        source = parse_input_key(key)
        assert (source is not None) is fits
        if source is not None:
            assert len(inbox_error_key(source).encode()) <= 1024
            assert len(inbox_third_result_key(source, "jpeg").encode()) <= 1024


@pytest.mark.parametrize(
    ("path", "result", "second"),
    [
        ("a.jpg", "a.webp", "a.jpg.webp"),
        ("x/y/a.b.PNG", "x/y/a.b.webp", "x/y/a.b.PNG.webp"),
        ("x.y/a", "x.y/a.webp", "x.y/a.webp"),
        ("x/.jpg", "x/.jpg.webp", "x/.jpg.webp"),
        ("x/a.", "x/a..webp", "x/a..webp"),
        ("日本/ф 1+2.jpeg", "日本/ф 1+2.webp", "日本/ф 1+2.jpeg.webp"),
        ("a\\b.jpg", "a\\b.webp", "a\\b.jpg.webp"),
    ],
)
def test_results_keep_the_folders_and_the_name(path: str, result: str, second: str) -> None:
    source = inbox(path)
    assert inbox_result_key(source, "webp") == f"results/u/{result}"
    assert inbox_second_result_key(source, "webp") == f"results/u/{second}"
    assert inbox_error_key(source) == f"results/u/{path}.error.json"


@pytest.mark.parametrize(
    ("filename", "safe"),
    [
        ("a.jpg", "a.jpg"),
        ("Photo 1 (copy).JPG", "Photo_1_copy.jpg"),
        ("C:\\pictures\\a.png", "a.png"),
        ("../../etc/a.png", "a.png"),
        ("${filename}.png", "filename.png"),
        ("фото.jpg", "image.jpg"),
        ("фото1.jpg", "1.jpg"),
        ("x" * 300 + ".jpg", "x" * 100 + ".jpg"),
        ("noextension", "noextension"),
        (".jpg", "jpg"),
        ("a\r\nb.png", "a_b.png"),
    ],
)
def test_an_upload_s_name_is_safe_in_forms_and_policies(filename: str, safe: str) -> None:
    key = upload_key("u", JOB, filename)
    assert key == f"uploads/u/{JOB}/{safe}"
    assert parse_input_key(key) == InputKey("u", JOB, safe)


def test_where_other_results_go() -> None:
    assert job_result_key("u", JOB, "v", "фото.jpg", "png") == f"jobs/u/{JOB}/{mark('v')}/фото-rmbg.png"
    assert inbox_third_result_key(inbox("x/a.jpg"), "webp") == f"results/u/x/a.jpg.{mark('x/a.jpg')}.webp"
    assert answer_key("request", "a/b.jpg", "bmp") == "answers/request/b-rmbg.bmp"
    for key in (job_result_key("u", JOB, "v", "a.jpg", "png"), answer_key("r", "a.jpg", "png"), "results/u/a.webp"):
        assert parse_input_key(key) is None


def test_what_is_paid_for_once() -> None:
    upload, file = InputKey("u", JOB, "a.jpg"), inbox("a.jpg")
    assert charge_id(upload, "b", "k", "1", {}) == charge_id(upload, "b", "k", "2", {"w": "1"}) == JOB
    places = [("b", "k", "1"), ("b", "k", "2"), ("b", "k2", "1"), ("b2", "k", "1")]
    ids = [charge_id(file, *place, {}) for place in places] + [charge_id(file, "b", "k", "1", {"w": "1"})]
    assert len(set(ids)) == len(ids)
    assert all(len(each) == 64 for each in ids)
    both = charge_id(file, "b", "k", "1", {"w": "1", "h": "2"})
    assert both == charge_id(file, "b", "k", "1", {"h": "2", "w": "1"})


@pytest.mark.parametrize("text", ["", "job_", "job_" + "a" * 21, "job_" + "a" * 23, "job_" + "-" * 22, JOB + "\n"])
def test_what_is_no_job_s_id(text: str) -> None:
    assert is_job_id(JOB)
    assert not is_job_id(text)


@pytest.mark.parametrize("uid", [".", "..", "...", "a/b", ""])
def test_no_user_is_a_way_up(uid: str) -> None:
    assert parse_input_key(f"inbox/{uid}/a.jpg") is None or "/" in uid
