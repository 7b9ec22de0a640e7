"""A request meets the resource and method that it would meet on API Gateway; no path or method raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.local_gateway.routes import Route, Router

ROUTER = Router(
    [
        Route("POST", "/rmbg", "image"),
        Route("ANY", "/rmbg", "other"),
        Route("GET", "/health", "health"),
        Route("GET", "/jobs/{job_id}", "job"),
        Route("GET", "/jobs/mine", "mine"),
        Route("ANY", "/", "root"),
        Route("ANY", "/{proxy+}", "rest"),
        Route("ANY", "/docs/{proxy+}", "docs"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "function", "parameters"),
    [
        ("POST", "/rmbg", "image", {}),
        ("POST", "/rmbg/", "image", {}),
        ("GET", "/rmbg", "other", {}),
        ("HEAD", "/rmbg", "other", {}),
        ("GET", "/health", "health", {}),
        ("GET", "/jobs/1", "job", {"job_id": "1"}),
        ("GET", "/jobs/a%2Fb/", "job", {"job_id": "a%2Fb"}),
        ("GET", "/jobs/mine", "mine", {}),
        ("GET", "/jobs/1/2", "rest", {"proxy": "jobs/1/2"}),
        ("GET", "/jobs/", "rest", {"proxy": "jobs"}),
        ("GET", "/docs/a/b", "docs", {"proxy": "a/b"}),
        ("GET", "/", "root", {}),
        ("GET", "//", "root", {}),
        ("GET", "//rmbg", "rest", {"proxy": "/rmbg"}),
        ("GET", "/a//b", "rest", {"proxy": "a//b"}),
        ("GET", "/../etc/passwd", "rest", {"proxy": "../etc/passwd"}),
        ("POST", "/RMBG", "rest", {"proxy": "RMBG"}),
        ("POST", "/%72mbg", "rest", {"proxy": "%72mbg"}),
        ("GET", "/x%ff%", "rest", {"proxy": "x%ff%"}),
    ],
)
def test_the_most_specific_resource_wins_then_the_method(
    method: str, path: str, function: str, parameters: dict[str, str]
) -> None:
    match = ROUTER.match(method, path)
    assert match is not None
    assert match.route.function == function
    assert match.path_parameters == parameters


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/health"),  # the resource is there, and {proxy+} does not step in for its method
        ("POST", "/jobs/1"),
        ("TRACE", "/rmbg"),  # ANY is seven methods
        ("post", "/rmbg"),
        ("CONNECT", "host:443"),
        ("OPTIONS", "*"),
        ("GET", ""),
    ],
)
def test_no_route(method: str, path: str) -> None:
    assert ROUTER.match(method, path) is None


def test_without_a_greedy_resource_an_unknown_path_has_no_route() -> None:
    router = Router([Route("GET", "/a/{id}", "f")])
    assert router.match("GET", "/a") is None
    assert router.match("GET", "/a//") is None
    assert router.match("GET", "/a/b/c") is None


@given(method=st.text(max_size=10), path=st.text(max_size=60))
def test_no_path_or_method_raises(method: str, path: str) -> None:
    ROUTER.match(method, path)


@given(path=st.text(alphabet="/abc.%{}+", max_size=40))
def test_every_path_with_a_slash_in_front_comes_to_some_function(path: str) -> None:
    match = ROUTER.match("PUT", "/" + path)
    if match is None:  # only resources that have no PUT
        first = path.partition("/")[0]
        assert first in ("health", "jobs")
    elif match.route.resource == "/{proxy+}":
        assert match.path_parameters["proxy"] == path.removesuffix("/")
