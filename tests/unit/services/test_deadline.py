"""How long a request may take, and from when on."""

import os
import time
from pathlib import Path

import pytest

from rmbg.errors import PublicError
from rmbg.services.deadline import ANSWER_SECONDS, Deadline, Invocations


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_deadline_passes_at_its_very_instant() -> None:
    clock = Clock()
    deadline = Deadline(1010.0, clock)
    assert deadline.left_seconds == 10
    clock.now = 1009.999
    deadline.check()
    clock.now = 1010.0
    with pytest.raises(PublicError) as raised:
        deadline.check()
    assert (raised.value.status, raised.value.message) == (503, "Service unavailable")
    assert raised.value.headers == {"Retry-After": "5"}
    clock.now = 2000.0
    assert deadline.left_seconds == 0
    with pytest.raises(PublicError):
        deadline.check()


def test_an_answer_has_24_seconds() -> None:
    assert ANSWER_SECONDS == 24


@pytest.mark.parametrize(("waited", "left"), [(0.0, 18.0), (0.5, 17.5), (0.999, 17.001)])
def test_a_first_call_that_waited_for_the_start_has_what_is_left_since_the_process_began(
    waited: float, left: float
) -> None:
    clock = Clock()
    invocations = Invocations(clock, process_age_seconds=lambda: 6.0)
    clock.now += waited
    assert invocations.begin().left_seconds == pytest.approx(left)


@pytest.mark.parametrize("idle", [1.0, 5.0, 3600.0])
def test_a_first_call_of_an_environment_that_stood_ready_has_all_of_it(idle: float) -> None:
    clock = Clock()
    invocations = Invocations(clock, process_age_seconds=lambda: 6.0)
    clock.now += idle
    assert invocations.begin().left_seconds == ANSWER_SECONDS


def test_every_later_call_begins_anew() -> None:
    clock = Clock()
    invocations = Invocations(clock, process_age_seconds=lambda: 6.0)
    first = invocations.begin()
    clock.now += 0.5
    assert invocations.begin().left_seconds == ANSWER_SECONDS
    clock.now += 100
    assert invocations.begin().left_seconds == ANSWER_SECONDS
    assert first.left_seconds == 0


def test_a_start_that_took_longer_than_anybody_waits_leaves_nothing() -> None:
    with pytest.raises(PublicError):
        Invocations(Clock(), process_age_seconds=lambda: 24.0).begin().check()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells")
def test_the_process_knows_its_own_age() -> None:
    """Against the kernel's clock, read another way; to a second."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    assert Invocations().begin().left_seconds == pytest.approx(max(0.0, ANSWER_SECONDS - age), abs=1.0)
