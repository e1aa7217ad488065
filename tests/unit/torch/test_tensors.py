"""Tensors from arrays of other libraries, none of which they may change."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")

from nextstat_core.errors import InputError  # noqa: E402
from nextstat_torch import as_tensor  # noqa: E402


def test_a_tensor_is_handed_through():
    tensor = torch.zeros(3, requires_grad=True)
    assert as_tensor(tensor) is tensor


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x[::-1],
        lambda x: x[::2],
        lambda x: np.broadcast_to(x[:1], (4,)),
        lambda x: x.astype(">f8"),
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.int16),
        lambda x: x > 1.0,
        lambda x: x[0],
        lambda x: np.zeros((0, 3)),
        lambda x: x.tolist(),
        lambda x: x.reshape(2, 2).T,
    ],
)
def test_arrays_of_any_layout_become_tensors(make):
    values = make(np.array([0.0, 1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(as_tensor(values), np.asarray(values))


def test_memory_of_others_is_not_shared():
    values = np.arange(4.0)
    values.flags.writeable = False
    tensor = as_tensor(values)
    tensor += 1.0
    assert values.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_arrays_of_the_standard_become_tensors():
    strict = pytest.importorskip("array_api_strict")
    assert as_tensor(strict.asarray([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_arrow_arrays_become_tensors_unless_values_are_missing():
    pa = pytest.importorskip("pyarrow")
    assert as_tensor(pa.array([1.5, 2.0])).tolist() == [1.5, 2.0]
    assert as_tensor(pa.array([True, False])).tolist() == [True, False]
    assert as_tensor(pa.chunked_array([[1, 2], [3]])).tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="1 of 2 values are missing"):
        as_tensor(pa.array([1.0, None]))


@pytest.mark.parametrize("values", [np.array([1j]), ["a"], [None], np.array([object()])])
def test_what_holds_no_numbers_is_refused(values):
    with pytest.raises(InputError):
        as_tensor(values)
