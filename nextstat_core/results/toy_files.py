"""Tests with toys as files: shards of a study, and checkpoints of a long one."""

from __future__ import annotations

import json
import os
import zipfile
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import FormatError, InputError
from nextstat_core.results.minimum import FitMinimumResult
from nextstat_core.results.toy_ensemble import ToyEnsemble

if TYPE_CHECKING:
    from os import PathLike

    from nextstat_core.results.toy_test import ToyHypotestResult

__all__ = ["read_toy_test", "write_toy_test"]

_FORMAT = "nextstat_toys_v1"
_ENSEMBLES = ("sb", "b")
_COLUMNS = ("numbers", "q", "mu_hat", "status")
_SCALARS = ("nll", "initial_nll", "edm")
_COUNTS = ("n_iter", "n_fev", "n_gev")


def write_toy_test(path: str | PathLike[str], result: ToyHypotestResult) -> None:
    """Write a test; whoever reads the file meanwhile sees the old or the new one."""
    arrays: dict[str, Any] = {
        f"{name}_{column}": getattr(getattr(result, name), column)
        for name in _ENSEMBLES
        for column in _COLUMNS
    }
    arrays["observed"] = np.array([result.q, result.mu_hat])
    fits: dict[str, Any] = {}
    for name, fit in result.fits.items():
        arrays[f"fit_{name}"] = fit.values
        arrays[f"fit_{name}_gradient"] = np.asarray(fit.final_gradient or [])
        arrays[f"fit_{name}_scalars"] = np.array([getattr(fit, key) for key in _SCALARS])
        counts = {key: int(getattr(fit, key)) for key in _COUNTS}
        names = list(fit.parameter_names)
        fits[name] = {"message": fit.message, "converged": fit.converged, "names": names, **counts}
    about = {
        "format": _FORMAT,
        "study": dict(result.study),
        "fits": fits,
        "warnings": list(result.warnings),
        "provenance": dict(result.provenance),
    }
    arrays["about"] = np.array(json.dumps(about))
    _replace(Path(path), arrays)


def _replace(path: Path, arrays: dict[str, Any]) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise InputError(f"cannot write {str(path)!r}: {error}") from error


def read_toy_test(path: str | PathLike[str]) -> dict[str, Any]:
    """Arguments of `ToyHypotestResult` from a file."""
    name = os.fspath(path)
    try:
        with np.load(name, allow_pickle=False) as file:
            return _arguments({key: file[key] for key in file.files})
    except FileNotFoundError as error:
        raise InputError(f"no file {name!r}") from error
    except (OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        message = f"{name!r} is no saved test with toys, or damaged: {error}"
        raise FormatError(message) from error


def _arguments(arrays: dict[str, Any]) -> dict[str, Any]:
    about = json.loads(str(arrays["about"]))
    if about["format"] != _FORMAT:
        raise ValueError(f"its format is {about['format']!r}; expected {_FORMAT!r}")
    q, mu_hat = arrays["observed"].tolist()
    ensembles = {
        name: ToyEnsemble(**{column: arrays[f"{name}_{column}"] for column in _COLUMNS})
        for name in _ENSEMBLES
    }
    return {
        "study": about["study"],
        "q": q,
        "mu_hat": mu_hat,
        **ensembles,
        "fits": {name: _fit(name, entry, arrays) for name, entry in about["fits"].items()},
        "warnings": tuple(about["warnings"]),
        "provenance": about["provenance"],
    }


def _fit(name: str, entry: dict[str, Any], arrays: dict[str, Any]) -> FitMinimumResult:
    gradient = arrays[f"fit_{name}_gradient"].tolist()
    scalars = dict(zip(_SCALARS, arrays[f"fit_{name}_scalars"].tolist(), strict=True))
    return FitMinimumResult(
        values=arrays[f"fit_{name}"],
        nll=scalars.get("nll", nan),
        initial_nll=scalars.get("initial_nll", nan),
        edm=scalars.get("edm", nan),
        converged=entry["converged"],
        message=entry["message"],
        parameter_names=tuple(entry["names"]),
        final_gradient=gradient or None,
        **{key: entry[key] for key in _COUNTS},
    )
