"""The extension that is judged, and the name that is given back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmbg.domain.filenames import extension, media_type, result_name


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("photo.jpg", "jpg"),
        ("photo.JPG", "jpg"),
        ("photo", ""),
        ("photo.", ""),
        (".jpg", ""),
        ("two.dots.png.jpg", "jpg"),
        ("photo.jpg.exe", "exe"),
        ("dir.d/photo", ""),
        ("dir.d\\photo", ""),
        ("../../etc/passwd.jpg", "jpg"),
        ("C:\\fakepath\\photo.PNG", "png"),
        ("", ""),
        ("dir/", ""),
    ],
)
def test_extension(filename: str, expected: str) -> None:
    assert extension(filename) == expected


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("photo.jpg", "photo-rmbg.png"),
        ("photo", "photo-rmbg.png"),
        ("photo.", "photo-rmbg.png"),
        ("../../etc/passwd.jpg", "passwd-rmbg.png"),
        ("C:\\fakepath\\my photo.jpg", "my photo-rmbg.png"),
        ("", "image-rmbg.png"),
        (".jpg", "jpg-rmbg.png"),
        ('"\r\n\x00.jpg', "image-rmbg.png"),
        ('a"b;c.jpg', "ab;c-rmbg.png"),
        ("фото 图片 🐱.jpg", "фото 图片 🐱-rmbg.png"),
        ("\u202egpj.exe.jpg", "gpj.exe-rmbg.png"),
        ("x" * 300 + ".jpg", "x" * 100 + "-rmbg.png"),
        ("x" * 100 + ".jpg", "x" * 100 + "-rmbg.png"),
    ],
)
def test_result_name(filename: str, expected: str) -> None:
    assert result_name(filename, "png") == expected


@given(st.text())
def test_a_result_name_can_stand_in_a_header(filename: str) -> None:
    name = result_name(filename, "webp")
    assert name.endswith("-rmbg.webp")
    assert len(name) <= 100 + len("-rmbg.webp")
    assert not set(name) & set('"\\/\r\n\x00')
    name.encode("utf-8")


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("a.jpg", "image/jpeg"),
        ("a.JPEG", "image/jpeg"),
        ("a.png", "image/png"),
        ("a.webp", "image/webp"),
        ("a.bmp", "image/bmp"),
        ("a", "application/octet-stream"),
        ("a.exe", "application/octet-stream"),
    ],
)
def test_the_type_that_a_name_promises(filename: str, expected: str) -> None:
    assert media_type(filename) == expected
