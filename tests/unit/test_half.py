import numpy as np
import pytest

from core.half import as_float32


def test_every_finite_half_is_widened_to_the_same_number():
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    expected = halves.astype(np.float32)
    assert np.array_equal(as_float32(halves).view(np.uint32), expected.view(np.uint32))  # zeros keep their sign


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_shape_and_type_hold_and_the_numbers_given_stay(dtype):
    given = np.array([[1.5, -2], [0, 6e-8]], dtype)
    made = as_float32(given)
    assert made.dtype == np.float32
    assert np.array_equal(made, given.astype(np.float32))
    made[:] = 7
    assert given[0, 0] == 1.5
