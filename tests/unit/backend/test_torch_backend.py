"""What the contract cannot see of the PyTorch backends: ways of CUDA, devices, foreign memory."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("nextstat_backend_torch")

from nextstat_backend_torch._segments import AddedSegments, ReducedSegments  # noqa: E402
from nextstat_core.backend import get_backend  # noqa: E402
from nextstat_core.errors import BackendUnavailableError, InputError  # noqa: E402


@pytest.mark.parametrize(
    ("ids", "n_segments"),
    [([0, 0, 1, 1, 1], 2), ([3, 0, 3, 1, 0], 5), ([2, 0, 1], 3), ([1, 1], 4)],
)
def test_segments_are_the_same_added_and_reduced(ids: list[int], n_segments: int) -> None:
    x = torch.tensor(np.random.default_rng(1).normal(size=(len(ids), 3)))
    device, host = torch.device("cpu"), np.asarray(ids, dtype=np.int64)
    expected = np.zeros((n_segments, 3))
    np.add.at(expected, host, x.numpy())
    for kind in (AddedSegments, ReducedSegments):
        found = kind(host, n_segments, device)(x).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_reduced_segments_confine_infinities() -> None:
    x = torch.tensor([[np.inf], [1.0], [2.0]], dtype=torch.float64)
    found = ReducedSegments(np.asarray([0, 1, 1]), 3, torch.device("cpu"))(x)
    assert found[:, 0].tolist() == [np.inf, 3.0, 0.0]


def test_ids_without_a_segment_are_refused() -> None:
    with pytest.raises(InputError, match=r"0 \.\.\. 1; found 0 \.\.\. 2"):
        get_backend("torch").segment_plan(np.asarray([0, 2]), 2)


def test_a_tensor_that_requires_a_gradient_is_refused() -> None:
    with pytest.raises(InputError, match=r"tensor\.detach\(\)"):
        get_backend("torch").asarray(torch.ones(2, requires_grad=True))


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="complex"):
        get_backend("torch").asarray(torch.ones(2, dtype=torch.complex128))
    with pytest.raises(InputError, match="complex"):
        get_backend("torch").asarray(np.ones(2, dtype=complex))


def test_expanded_tensors_are_copied_before_they_are_written() -> None:
    backend = get_backend("torch")
    theirs = torch.ones(1, dtype=torch.float64).expand(3)
    ours = backend.asarray(theirs)
    ours = backend.put_rows(ours, backend.indices([1]), backend.asarray([5.0]))
    assert ours.tolist() == [1.0, 5.0, 1.0]
    assert theirs.tolist() == [1.0, 1.0, 1.0]


def test_memory_of_the_user_is_never_shared() -> None:
    theirs = np.ones(3)
    ours = get_backend("torch").asarray(theirs)
    theirs[0] = 7.0
    assert ours.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["torch", "torch-float32"])
@pytest.mark.parametrize("device", ["gpu", "mps", "cuda:x", "cpu:one"])
def test_an_unknown_device_is_refused(name: str, device: str) -> None:
    with pytest.raises(BackendUnavailableError, match=f"no device {device!r}.*'cpu' and 'cuda'"):
        get_backend(name, device)


def test_missing_hardware_is_named_with_a_remedy() -> None:
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(BackendUnavailableError, match=r"(?s)'cuda'.*Hint: .*NVIDIA GPU"):
        get_backend("torch", "cuda")
    with pytest.raises(BackendUnavailableError, match=r"(?s)Apple GPU.*Hint: .*Apple silicon"):
        get_backend("metal")


def test_the_three_names_differ_in_dtype_only() -> None:
    assert get_backend("torch").dtype == torch.float64
    single = get_backend("torch-float32")
    assert single.dtype == torch.float32
    assert single.host() is get_backend("numpy")
