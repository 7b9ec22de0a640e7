"""Answers of the deployed stack that are too large for Lambda: a redirect, which real clients follow."""

import os
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.conftest import ROOT
from tests.lab.conftest import Api
from tests.lab.objects import photo_form, spent
from tests.support.pictures import decoded

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(900)]

PHOTO = (ROOT / "docs" / "images" / "coffee.jpg").read_bytes()
TOO_LARGE = {"format": "bmp", "w": "1800", "h": "1300", "exact_resize": "1"}


def test_an_answer_that_is_too_large_is_a_redirect_to_it(api: Api) -> None:
    answer = api.send("POST", "/rmbg", files=photo_form(), data=TOO_LARGE, allow_redirects=False)
    assert (answer.status_code, answer.content) == (303, b"")
    assert (answer.headers["X-Width"], answer.headers["X-Height"]) == ("1800", "1300")
    assert answer.headers["X-Credits-Charged"] == "1"
    assert answer.headers["Cache-Control"] == "no-store"
    got = requests.get(answer.headers["Location"], headers={"Origin": "null"}, timeout=60)
    assert (got.status_code, got.headers["Content-Type"]) == (200, "image/bmp")
    assert got.headers["Access-Control-Allow-Origin"] in ("*", "null")
    assert (decoded(got.content).format, decoded(got.content).size) == ("BMP", (1800, 1300))
    assert spent(api) == 1


@pytest.fixture
def by_name(api: Api, monkeypatch: pytest.MonkeyPatch) -> str:
    """The API's URL with its own name as host, which a client does not take along to another one."""
    where, name = urlsplit(api.base_url), api.headers["Host"]
    resolve = socket.getaddrinfo

    def resolved(host: str, *rest: Any, **more: Any) -> Any:
        return resolve(where.hostname if host == name.partition(":")[0] else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return f"http://{name}{where.path}"


def test_requests_follows_it_with_a_key(api: Api, by_name: str) -> None:
    headers = {"x-api-key": api.headers["x-api-key"]}
    answer = requests.post(f"{by_name}/rmbg", files=photo_form(), data=TOO_LARGE, headers=headers, timeout=60)
    assert [redirect.status_code for redirect in answer.history] == [303]
    assert (answer.status_code, decoded(answer.content).size) == (200, (1800, 1300))


def test_curl_follows_it_with_a_key(api: Api, by_name: str, tmp_path: Path) -> None:
    target, photo = tmp_path / "out.bmp", tmp_path / "coffee.jpg"
    photo.write_bytes(PHOTO)
    where, url = urlsplit(api.base_url), urlsplit(by_name)
    command = ["curl", "-sSL", "--fail-with-body", "--resolve", f"{url.hostname}:{url.port}:{where.hostname}"]
    command += ["-H", f"x-api-key: {api.headers['x-api-key']}", "-F", f"image=@{photo}", "-o", str(target)]
    for name, value in TOO_LARGE.items():
        command += ["-F", f"{name}={value}"]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    subprocess.run([*command, f"{by_name}/rmbg"], check=True, timeout=60, env=environment)
    assert decoded(target.read_bytes()).size == (1800, 1300)
