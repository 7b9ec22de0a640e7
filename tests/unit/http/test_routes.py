"""Which methods a path takes."""

import pytest

from rmbg.http.routes import allowed_methods


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/health", ("GET", "HEAD", "OPTIONS")),
        ("/rmbg", ("POST", "OPTIONS")),
        ("/api/membership-usage", ("GET", "HEAD", "OPTIONS")),
        ("/api/api-keys", ("GET", "POST", "HEAD", "OPTIONS")),
        ("/api/api-keys/key_0aZ9", ("DELETE", "OPTIONS")),
        ("/api/api-keys/{key_id}", ("DELETE", "OPTIONS")),
        ("/api/api-keys/a.b-c%20d", ("DELETE", "OPTIONS")),
        ("/jobs", ("POST", "OPTIONS")),
        ("/jobs/job_0aZ9", ("GET", "HEAD", "OPTIONS")),
    ],
)
def test_what_a_path_takes_with_and_without_a_trailing_slash(path: str, allowed: tuple[str, ...]) -> None:
    assert allowed_methods(path) == allowed
    assert allowed_methods(path + "/") == allowed
    assert allowed_methods(path + "//") == ()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        "rmbg",
        "/RMBG",
        "/Health",
        "/rmbg\n",
        "\n/rmbg",
        "/rmbg ",
        "/rmbg/x",
        "/rmbgs",
        "/x/rmbg",
        "//rmbg",
        "/api",
        "/api/",
        "/api/membershipXusage",
        "/api/membership_usage",
        "/api/api.keys",
        "/api/apikeys",
        "/api/api-keys//",
        "/api/api-keys//x",
        "/api/api-keys/x/y",
        "/api/api-keys/x/y/",
        "/api/api%2Dkeys",
        "/{key_id}",
        "/hea[l]th",
        "/health?x",
    ],
)
def test_a_look_alike_does_not_exist(path: str) -> None:
    assert allowed_methods(path) == ()
