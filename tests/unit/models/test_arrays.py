"""Arrays of any library are read; what would lose something is refused."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nextstat_core.backend import get_backend
from nextstat_core.errors import InputError
from nextstat_core.infer import fit, fit_batch, fit_toys
from nextstat_core.models import GaussianMeanModel, HistFactoryModel
from nextstat_core.models.arrays import floats, number
from nextstat_core.testing import StrictBackend

VALUES = [1.5, 0.75, 2.0]
# float32 holds these exactly.
TABLE = [[1.5, 0.75], [2.0, 4.0], [0.5, 8.0]]


class OnlyDLPack:
    """An array of a library that NumPy does not know."""

    def __init__(self, values: Any) -> None:
        self._array = np.array(values)
        self.shape = self._array.shape

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()


class OnDevice(OnlyDLPack):
    """The same on a GPU: it is copied on request only, and NumPy's protocol is refused."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0

    def __dlpack__(self, *, dl_device: tuple[int, int] | None = None, **options: Any) -> Any:
        if dl_device != (1, 0):
            raise BufferError("this array is on a GPU")
        return self._array.__dlpack__(**options)

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed")


def _torch(values: Any, **options: Any) -> Any:
    return pytest.importorskip("torch", reason="reads its tensors").tensor(values, **options)


def _pandas(values: Any, **options: Any) -> Any:
    return pytest.importorskip("pandas", reason="reads its series").Series(values, **options)


def _arrow(values: Any) -> Any:
    return pytest.importorskip("pyarrow", reason="reads its arrays").array(values)


def _chunked(values: Any) -> Any:
    arrow = pytest.importorskip("pyarrow", reason="reads its arrays")
    return arrow.chunked_array([values[:1], values[1:]])


def _small(values: Any) -> Any:
    return StrictBackend("no_float64").asarray(np.array(values))


MAKERS = {
    "tuple": tuple,
    "numpy": np.array,
    "float32": lambda values: np.array(values, dtype=np.float32),
    "numpy scalars": lambda values: list(np.array(values)),
    "strict": lambda values: StrictBackend().asarray(np.array(values)),
    "strict on another device": _small,
    "torch": _torch,
    "pandas": _pandas,
    "arrow": _arrow,
    "chunked arrow": _chunked,
    "DLPack": OnlyDLPack,
    "a GPU": OnDevice,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_any_library_will_do(make: Any) -> None:
    found = floats("x", make(VALUES))
    assert (found.dtype, found.tolist()) == (np.float64, VALUES)


@pytest.mark.parametrize("make", [np.array, _torch, _small, OnlyDLPack, OnDevice])
def test_arrays_with_two_axes_and_lists_of_arrays_are_the_same(make: Any) -> None:
    assert floats("x", make(TABLE)).tolist() == TABLE
    assert floats("x", [make(row) for row in TABLE]).tolist() == TABLE


@pytest.mark.parametrize("name", ["numpy", "torch", "torch-float32"])
def test_arrays_of_backends_are_read(name: str) -> None:
    pytest.importorskip("numpy" if name == "numpy" else "torch")
    assert floats("x", get_backend(name).asarray(np.array(VALUES))).tolist() == VALUES


def _broadcast() -> np.ndarray:
    return np.broadcast_to(np.array([1.5]), (3,))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([2.0, 0.75, 1.5])[::-1], VALUES),
        (np.array([VALUES, VALUES]).T[:, 0], VALUES),
        (np.array(VALUES, dtype=">f8"), VALUES),
        (np.frombuffer(np.array(VALUES).tobytes()), VALUES),
        (_broadcast(), [1.5, 1.5, 1.5]),
        (np.array([True, False]), [1.0, 0.0]),
        ([True, 2], [1.0, 2.0]),
        (np.array([1, 2], dtype=np.uint8), [1.0, 2.0]),
        (range(3), [0.0, 1.0, 2.0]),
        (np.float64(1.5), 1.5),
        (np.array(1.5), 1.5),
        (2, 2.0),
        ([], []),
    ],
)
def test_memory_of_any_kind_is_copied(values: Any, expected: Any) -> None:
    found = floats("x", values)
    assert found.tolist() == expected
    assert found.flags.writeable
    assert found.flags.c_contiguous
    assert found.dtype.isnative
    assert not np.shares_memory(found, np.asarray(values))


@given(arrays.arrays(np.float64, arrays.array_shapes(max_dims=3), elements=st.floats()))
def test_every_float_is_kept(values: np.ndarray) -> None:
    np.testing.assert_array_equal(floats("x", values), values)


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1j], r"`x` .*complex128.*real part"),
        (["1.0"], r"`x` .*<U3.*astype"),
        ("1.0", r"`x` .*<U3"),
        ([b"1"], r"`x` .*\|S1"),
        ([1.0, None], r"`x` .*object.*None and pandas.NA"),
        ({"a": 1.0}, r"`x` .*object"),
        (np.array([1.0], dtype=object), r"`x` .*object"),
        (np.array(["2020-01-01"], dtype="M8[D]"), r"`x` .*datetime64"),
        ([[1.0], [1.0, 2.0]], r"`x` .*inhomogeneous.*found a list"),
        (np.ma.masked_array([1.0, 2.0], mask=[False, True]), r"`x` has masked.*filled"),
        ([np.ma.masked_array([1.0, 2.0], mask=[False, True])], r"`x\[0\]` has masked"),
    ],
)
def test_what_is_no_real_number_is_refused(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"(?s){message}"):
        floats("x", values)


@pytest.mark.parametrize("wrap", [lambda tensor: tensor, lambda tensor: [tensor, tensor]])
def test_a_gradient_is_not_lost_silently(wrap: Any) -> None:
    tensor = _torch(VALUES, requires_grad=True)
    with pytest.raises(InputError, match=r"(?s)requires a gradient.*Hint.*\.detach\(\)"):
        floats("x", wrap(tensor))
    assert floats("x", wrap(tensor.detach())).size


@pytest.mark.parametrize("dtype", ["bfloat16", "complex64"])
def test_dtypes_that_only_torch_has_are_refused(dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="reads its tensors")
    with pytest.raises(InputError, match="`x` cannot be read as numbers"):
        floats("x", torch.zeros(2, dtype=getattr(torch, dtype)))


def test_missing_values_of_tables_are_nan_or_refused() -> None:
    assert np.isnan(floats("x", _arrow([1.5, None]))[1])
    assert np.isnan(floats("x", _pandas([1.5, None]))[1])
    with pytest.raises(InputError, match=r"`x\[1\]` is nan"):
        floats("x", _pandas([1.5, None], dtype="Float64"), finite=True)


def test_a_number_that_is_not_finite_is_named_by_its_place() -> None:
    with pytest.raises(InputError, match=r"`x\[1, 0\]` is inf; expected a finite number"):
        floats("x", [[1.0, 2.0], [np.inf, 3.0]], finite=True)
    with pytest.raises(InputError, match="`x` is nan"):
        floats("x", np.nan, finite=True)


# -- one number -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1.5, np.float32(1.5), np.array(1.5), Fraction(3, 2)])
def test_a_number_may_be_an_array_without_axes(value: Any) -> None:
    assert number("x", value) == 1.5


@pytest.mark.parametrize(
    ("value", "message"),
    [([1.5], r"shape \(1,\)"), ("1.5", "dtype"), (None, "object"), (Decimal(1), "object")],
)
def test_what_is_no_number_is_refused(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"`x` .*{message}"):
        number("x", value)


# -- where users pass arrays ----------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_models_and_fits_take_them_everywhere(simple: HistFactoryModel, make: Any) -> None:
    params, data = make([1.0, 1.0, 1.0]), make([51.0, 48.0])
    assert simple.nll(params) == simple.nll([1.0, 1.0, 1.0])
    assert simple.grad_nll(params) == simple.grad_nll([1.0, 1.0, 1.0])
    assert simple.nll_batch(params, data)[0] == simple.nll([1.0, 1.0, 1.0])
    assert simple.expected_data(params) == simple.expected_data([1.0, 1.0, 1.0])
    assert simple.with_observed_main(data).observed_main.tolist() == [51.0, 48.0]
    expected = fit(simple)
    given = {
        "init_pars": params,
        "data": data,
        "bounds": {"mu": make([0.0, 10.0])},
    }
    assert fit(simple, **given).values.tolist() == expected.values.tolist()
    assert len(fit_toys(simple, params, n_toys=1)) == 1
    assert len(fit_batch(simple, [data, data])) == 2
    assert GaussianMeanModel(data, 1.0).suggested_init() == [49.5]
    simple.set_sample_nominal(channel="singlechannel", sample="signal", nominal=data)
    assert simple.expected_main_by_channel_sample(params)[0]["samples"][0]["y"] == [51.0, 48.0]


@pytest.mark.parametrize("make", [np.array, _torch, _small, OnDevice])
def test_bounds_and_data_sets_may_be_arrays(simple: HistFactoryModel, make: Any) -> None:
    lower, upper = np.array(simple.suggested_bounds()).T
    bounds = make(np.stack([np.round(lower), upper], axis=1).tolist())
    assert fit(simple, bounds=bounds).parameters == pytest.approx(fit(simple).parameters, abs=1e-6)
    assert len(fit_batch(simple, make([[51.0, 48.0]] * 2))) == 2


@pytest.mark.parametrize(
    "request_of",
    [
        lambda bad: {"init_pars": [1.0, bad, 1.0]},
        lambda bad: {"init": {"mu": bad}},
        lambda bad: {"fixed": {"mu": bad}},
        lambda bad: {"bounds": {"mu": (0.0, bad)}},
        lambda bad: {"data": [51.0, bad]},
    ],
)
@pytest.mark.parametrize("bad", ["1.0", 1j, np.nan])
def test_fits_refuse_what_is_no_number(simple: HistFactoryModel, request_of: Any, bad: Any) -> None:
    with pytest.raises(InputError):
        fit(simple, **request_of(bad))


def test_nominal_yields_are_finite_numbers(simple: HistFactoryModel) -> None:
    before = simple.ir
    for bad in ([np.nan, 1.0], ["1", "2"], [[1.0, 2.0]], [1.0]):
        with pytest.raises(InputError, match="`nominal"):
            simple.set_sample_nominal(channel="singlechannel", sample="signal", nominal=bad)
    assert simple.ir is before
