"""Enough of CuPy, over NumPy and a C compiler, to run its backend where there is no GPU.

It shows that the backend passes what CuPy's functions take, that its kernels compute what they
should, and that failures of batched factorisations are found. It shows nothing of CuPy itself.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import solve_triangular as solve_one

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["has_compiler", "install"]


def has_compiler() -> bool:
    """Whether kernels can be compiled here."""
    return shutil.which("cc") is not None


class _Device:
    def __init__(self, number: int) -> None:
        self.id = number

    def use(self) -> None:
        pass

    def synchronize(self) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return other == "cpu" or isinstance(other, _Device)

    def __hash__(self) -> int:
        return self.id


def _kernel_class(folder: Path) -> type:
    class ElementwiseKernel:
        """Runs the C source of a kernel for every element of its output."""

        def __init__(self, inputs: str, output: str, body: str, name: str) -> None:
            self._raw = [each.strip().startswith("raw") for each in inputs.split(",")]
            types_ = [each.split()[-2].replace("int64", "long long") for each in inputs.split(",")]
            names = [each.split()[-1] for each in inputs.split(",")]
            arguments = ", ".join(
                f"{kind}{'*' if raw else ''} {own}"
                for kind, raw, own in zip(types_, self._raw, names, strict=True)
            )
            source = (
                "typedef double T;\n"
                f"void run({arguments}, T* all, long long size) {{\n"
                "for (long long i = 0; i < size; ++i) {\n"
                f"T out;\n{body}\nall[i] = out;\n}} }}\n"
            )
            assert output == "T out"
            path = folder / f"{name}.c"
            path.write_text(source)
            library = path.with_suffix(".so")
            subprocess.run(["cc", "-std=c99", "-shared", "-fPIC", "-o", library, path], check=True)
            self._run = ctypes.CDLL(str(library)).run

        def __call__(self, *arguments: Any) -> np.ndarray:
            *inputs, out = arguments
            assert out.flags.c_contiguous
            passed: list[Any] = []
            for raw, value in zip(self._raw, inputs, strict=True):
                if raw:
                    assert value.flags.c_contiguous
                    assert value.dtype in {np.dtype(np.int64), np.dtype(np.float64)}
                    passed.append(value.ctypes.data_as(ctypes.c_void_p))
                else:
                    passed.append(ctypes.c_longlong(value))
            target = out.ctypes.data_as(ctypes.c_void_p)
            self._run(*passed, target, ctypes.c_longlong(out.size))
            return out

    return ElementwiseKernel


def _cholesky(matrices: np.ndarray) -> np.ndarray:
    """Factors without complaint: a pivot that is not positive stays, as do those behind it."""
    lower = np.tril(matrices)
    for matrix in lower:
        for j in range(len(matrix)):
            matrix[j, j] -= matrix[j, :j] @ matrix[j, :j]
            if not matrix[j, j] > 0.0:
                break
            matrix[j, j] = np.sqrt(matrix[j, j])
            matrix[j + 1 :, j] -= matrix[j + 1 :, :j] @ matrix[j, :j]
            matrix[j + 1 :, j] /= matrix[j, j]
    return lower


def _solve_triangular(
    a: np.ndarray, b: np.ndarray, trans: str = "N", *, lower: bool, check_finite: bool
) -> np.ndarray:
    assert not check_finite
    assert a.shape[:2] == b.shape[:2]
    pairs = zip(a, b, strict=True)
    return np.stack([solve_one(m, r, trans=trans, lower=lower) for m, r in pairs])


def install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Put the stand-in where `import cupy` finds it."""
    import array_api_compat
    import array_api_compat.numpy

    cupy = types.ModuleType("cupy")
    cupy.__dict__.update({name: getattr(np, name) for name in np.__all__ if name != "linalg"})
    cupy.asnumpy = np.asarray
    # What comes from the host is always copied.
    cupy.asarray = np.array
    cupy.array = lambda values, **options: np.array(values, **{**options, "copy": True})
    cupy.ElementwiseKernel = _kernel_class(folder)
    cupy.linalg = types.SimpleNamespace(cholesky=_cholesky)
    runtime = types.SimpleNamespace(getDeviceCount=lambda: 1, CUDARuntimeError=RuntimeError)
    cupy.cuda = types.SimpleNamespace(Device=_Device, runtime=runtime)
    linalg = types.ModuleType("cupyx.scipy.linalg")
    linalg.solve_triangular = _solve_triangular
    for name in [name for name in sys.modules if name.startswith("nextstat_backend_cupy")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cupyx", types.ModuleType("cupyx"))
    monkeypatch.setitem(sys.modules, "cupyx.scipy", types.ModuleType("cupyx.scipy"))
    monkeypatch.setitem(sys.modules, "cupyx.scipy.linalg", linalg)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", array_api_compat.numpy)
    monkeypatch.setattr(array_api_compat, "cupy", array_api_compat.numpy, raising=False)
