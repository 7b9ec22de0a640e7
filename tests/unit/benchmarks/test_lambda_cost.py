"""Costs are computed as AWS bills: memory in GB, by seconds, and each request."""

import pytest

from benchmarks.lambda_cost.cost import Row, cheapest, table, usd


def test_a_gigabyte_second_and_a_request_have_their_prices() -> None:
    assert usd(1.0, 1024, calls=1000) == pytest.approx(0.0166667 + 0.0002)
    assert usd(0.5, 3008, calls=1_000_000) == pytest.approx(0.5 * 3008 / 1024 * 16.6667 + 0.20)


def test_the_cheapest_is_of_its_model_and_size_and_fits() -> None:
    rows = [
        Row("a", 1024, 1.5, None),
        Row("a", 1769, 1.5, 0.6),
        Row("a", 3538, 1.5, 0.35),
        Row("a", 1769, 12, 0.9),
        Row("b", 3538, 1.5, 0.1),
    ]
    assert cheapest(rows) == {("a", 1.5): rows[1], ("a", 12): rows[3], ("b", 1.5): rows[4]}


def test_the_table_tells_what_does_not_fit_and_what_cannot_be_measured() -> None:
    text = table([Row("a", 1024, 12, None), Row("a", 1769, 12, 0.9, 0.8, 500_000_000, 0.3)], [4096])
    assert "does not suffice" in text
    assert "cheapest" in text
    assert text.endswith("4096 MB")
