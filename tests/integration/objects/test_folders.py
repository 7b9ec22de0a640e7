"""Folders of files through S3, its events and a queue: one result and one credit each, whatever comes between."""

import random
import threading
from collections.abc import Callable

import pytest

from rmbg.services.process_object import Outcome
from rmbg.storage.database import StoreUnavailable
from tests.integration.accounts.books import LEASE_IS_OVER, assert_consistent, race
from tests.integration.objects.conftest import Fault, World


def _all_at(stage: str, count: int) -> Callable[[str], None]:
    """So many wait for each other at a stage."""
    barrier = threading.Barrier(count, timeout=20)

    def wait(at: str) -> None:
        if at == stage:
            barrier.wait()

    return wait


def _used(world: World) -> int:
    """Credits used once every lease is over."""
    world.clock.advance(LEASE_IS_OVER + 120)
    world.books.credits.sweep_window(world.uid, world.books.window(world.account))
    window = world.books.window(world.account)
    assert_consistent(window)
    assert window.in_flight == 0
    return window.used


@pytest.mark.parametrize("count", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_files_dropped_at_once_with_duplicates_and_failures(world: World, count: int) -> None:
    """None is lost, none is made twice, none is paid twice."""
    chance = random.Random(7)
    lock = threading.Lock()
    names = [f"folder {place % 7}/ünï + {place}.jpg" for place in range(count)]
    keys = {world.put(name, f"image {name}".encode()): name for name in names}
    duplicates = chance.sample(sorted(keys), count // 5)
    delivered: dict[str, int] = {}

    def deliver(key: str, receives: int) -> None:
        with lock:
            delivered[key] = delivered.get(key, 0) + 1
            fails_before, fails_after, twice = (chance.random() < 0.1 for _ in range(3))
        if receives == 1 and fails_before:
            raise Fault
        world.process(key)
        if twice or key in duplicates:
            world.process(key)
        if receives == 1 and fails_after:
            raise Fault  # the queue never hears that it is done

    world.work(count, deliver)
    assert sum(delivered.values()) > count  # some have come more than once
    expected = sorted(name.replace(".jpg", ".webp") for name in names)
    assert sorted(world.results()) == expected
    for name in names[:: max(1, count // 20)]:
        assert world.result(name.replace(".jpg", ".webp")) == f"cut out of image {name}".encode()
    assert _used(world) == count
    assert world.imaging.made == count


def test_one_file_delivered_to_many_at_once_is_paid_once(world: World) -> None:
    key = world.put("a.jpg")
    world.imaging.on = _all_at("segment", 8)
    outcomes, _ = race(8, lambda _: world.process(key))
    assert sorted(outcomes) == [Outcome.DONE] + [Outcome.SETTLED] * 7
    assert world.results() == ["a.webp"]
    assert _used(world) == 1


def test_many_files_of_one_account_at_once(world: World) -> None:
    keys = [world.put(f"{place}.jpg") for place in range(32)]
    outcomes, _ = race(32, lambda place: world.process(keys[place]), StoreUnavailable)
    assert outcomes == [Outcome.DONE] * 32
    assert _used(world) == 32


def test_an_object_deleted_and_one_overwritten_before_anybody_looked(world: World) -> None:
    gone = world.put("gone.jpg")
    world.put("changed.jpg", b"image 1")
    world.s3.delete_object(Bucket=world.buckets.inputs_bucket, Key=gone)
    world.put("changed.jpg", b"image 2")
    outcomes: list[tuple[bool, Outcome]] = []
    world.work(3, lambda key, _: outcomes.append((key == gone, world.process(key))))
    assert sorted(outcomes) == [(False, Outcome.DONE), (False, Outcome.SETTLED), (True, Outcome.SETTLED)]
    assert (world.results(), world.result("changed.webp")) == (["changed.webp"], b"cut out of image 2")
    assert _used(world) == 1


def test_an_object_overwritten_while_it_is_worked_on(world: World) -> None:
    key = world.put("a.jpg", b"image 1")

    def overwrite(stage: str) -> None:
        world.imaging.on = lambda _: None
        world.put("a.jpg", b"image 2")

    world.imaging.on = overwrite
    outcomes: list[Outcome] = []
    world.work(2, lambda key, _: outcomes.append(world.process(key)))
    assert sorted(outcomes) == [Outcome.DONE, Outcome.SETTLED]  # two workers, in any order
    assert world.result("a.webp") == b"cut out of image 2"
    assert _used(world) == 1
    assert world.process(key) is Outcome.SETTLED


def test_two_files_that_want_one_name_at_once(world: World) -> None:
    keys = [world.put("a.jpg", b"image jpg"), world.put("a.png", b"image png")]
    world.imaging.on = _all_at("encode", 2)
    race(2, lambda place: world.process(keys[place]))
    assert len(world.results()) == 2
    assert "a.webp" in world.results()
    made = {world.result(name) for name in world.results()}
    assert made == {b"cut out of image jpg", b"cut out of image png"}
