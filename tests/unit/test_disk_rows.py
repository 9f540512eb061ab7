import numpy as np
import pytest

from core.disk_rows import DiskRows


@pytest.fixture
def table():
    return np.random.default_rng(1).integers(0, 256, (50, 7), np.uint8)


def test_rows_come_back_by_slice_and_by_index(tmp_path, table):
    rows = DiskRows(tmp_path / "rows.bin", map(bytes, table), 7)
    assert len(rows) == 50
    assert np.array_equal(rows[:], table)
    assert np.array_equal(rows[10:90], table[10:])
    assert np.array_equal(rows[np.array([3, 3, 49])], table[[3, 3, 49]])


def test_what_was_read_is_a_copy(tmp_path, table):
    rows = DiskRows(tmp_path / "rows.bin", map(bytes, table), 7)
    rows[:5][:] = 0
    assert np.array_equal(rows[:5], table[:5])


def test_there_may_be_none(tmp_path):
    rows = DiskRows(tmp_path / "rows.bin", [], 7)
    assert len(rows) == 0
    assert rows[:10].shape == (0, 7)
