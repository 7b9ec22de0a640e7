"""DynamoDB's units as the accounting benchmark computes them (developer guide: item sizes, read and write units)."""

import pytest

from benchmarks.accounting.units import Units, item_size_bytes


@pytest.mark.parametrize(
    ("item", "size_bytes"),
    [
        ({}, 0),
        ({"pk": {"S": "abc"}}, 5),
        ({"ü": {"S": "é"}}, 4),
        ({"n": {"N": "0"}}, 3),
        ({"n": {"N": "7"}}, 3),
        ({"n": {"N": "100"}}, 3),  # one significant digit
        ({"n": {"N": "1795388315"}}, 1 + 6),
        ({"n": {"N": "-12"}}, 1 + 3),
        ({"b": {"BOOL": True}}, 2),
    ],
)
def test_the_size_of_an_item(item, size_bytes):
    assert item_size_bytes(item) == size_bytes


@pytest.mark.parametrize(("size_bytes", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (2049, 3)])
def test_a_write_costs_a_unit_a_started_kb_and_double_in_a_transaction(size_bytes, units):
    counted = Units()
    counted.note_write(size_bytes)
    assert (counted.write, counted.read) == (units, 0)
    counted.note_write(size_bytes, in_transaction=True)
    assert counted.write == 3 * units
    assert counted.largest_bytes == size_bytes


@pytest.mark.parametrize(("sizes_bytes", "units"), [((), 1), ((1,), 1), ((4096,), 1), ((4097,), 2), ((4000, 97), 2)])
def test_a_consistent_read_costs_a_unit_a_started_4_kb_of_all_its_items(sizes_bytes, units):
    counted = Units()
    counted.note_read(*sizes_bytes)
    assert (counted.read, counted.write) == (units, 0)
