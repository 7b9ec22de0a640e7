"""Jobs' options, keys and names, whatever they are."""

from hypothesis import given
from hypothesis import strategies as st

from rmbg.domain.colors import RGBA
from rmbg.domain.jobs import canonical_fields
from rmbg.domain.object_keys import (
    MAX_KEY_BYTES,
    inbox_error_key,
    inbox_result_key,
    inbox_second_result_key,
    parse_input_key,
    upload_key,
)
from rmbg.domain.options import Options, OutputFormat, parse_options

sides = st.none() | st.integers(1, 10_000)
options = st.builds(
    Options,
    format=st.sampled_from(OutputFormat),
    width=sides,
    height=sides,
    exact_resize=st.booleans(),
    mask=st.just(False),
    bg_color=st.none() | st.builds(RGBA, *[st.integers(0, 255)] * 4),
    angle_degrees=st.floats(-360, 360),
    expand=st.booleans(),
)


@given(options)
def test_options_survive_being_kept(wanted: Options) -> None:
    assert parse_options(canonical_fields(wanted)) == (wanted, [])


@given(st.text(max_size=300))
def test_every_name_makes_a_key_that_is_read_back(filename: str) -> None:
    job_id = "job_" + "0" * 22
    key = upload_key("u", job_id, filename)
    source = parse_input_key(key)
    assert source is not None
    assert (source.uid, source.job_id) == ("u", job_id)
    assert key.isascii()
    assert not set(key) & set("${}\"'\\ \r\n")


@given(st.text(max_size=600))
def test_nothing_that_is_written_is_an_input(path: str) -> None:
    source = parse_input_key(f"inbox/u/{path}")
    if source is None:
        return
    keys = [inbox_result_key(source, "webp"), inbox_second_result_key(source, "webp"), inbox_error_key(source)]
    for key in keys:
        assert parse_input_key(key) is None
        assert key.startswith("results/u/")
        assert len(key.encode("utf-8", errors="replace")) <= MAX_KEY_BYTES
    assert keys[2] not in keys[:2]
