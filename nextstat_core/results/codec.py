"""Fit results as plain JSON values and back, to the last bit and without NaN literals."""

from __future__ import annotations

import json
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.results.fit import FitResult

__all__ = ["SCHEMA_VERSION", "decode_fit", "encode_fit", "from_json_text", "to_json_text"]

SCHEMA_VERSION = "nextstat_fit_v1"

_SCALARS = ("nll", "final_grad_norm", "initial_nll", "edm")
_COUNTS = ("n_iter", "n_fev", "n_gev", "n_hev")
# Name in JSON to name of the field; the names in JSON are those of the reference.
_LISTS = {
    "bestfit": "values",
    "uncertainties": "errors",
    "prefit_centers": "prefit_centers",
    "prefit_widths": "prefit_widths",
}
_PLAIN = ("converged", "termination_reason", "covariance_status", "poi_index")
_INFINITE = {inf: "infinite", -inf: "minus infinite"}
_VALUE_OF = {"infinite": inf, "minus infinite": -inf}


class _Nulls:
    """Replaces what JSON cannot hold by null, and keeps the reasons."""

    def __init__(self) -> None:
        self.reasons: dict[str, Any] = {}

    def scalar(self, key: str, value: float) -> float | None:
        if isfinite(value):
            return value
        self.reasons[key] = _INFINITE.get(value, "undefined")
        return None

    def array(self, key: str, values: list[float], *, undefined: bool) -> list[float | None]:
        """Numbers or nulls; `undefined` says whether NaN needs a reason too."""
        why = {
            str(i): _INFINITE.get(value, "undefined")
            for i, value in enumerate(values)
            if not isfinite(value) and (undefined or value in _INFINITE)
        }
        if why:
            self.reasons[key] = why
        return [value if isfinite(value) else None for value in values]


def encode_fit(result: FitResult) -> dict[str, Any]:
    """Plain values of a result; see `FitResult.to_dict`."""
    nulls = _Nulls()
    covariance = result.covariance
    flat = None if covariance is None else covariance.reshape(-1).tolist()
    encoded: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "parameter_names": list(result.parameter_names),
        **{key: getattr(result, key) for key in _PLAIN},
        **{key: nulls.scalar(key, float(getattr(result, key))) for key in _SCALARS},
        "twice_nll": nulls.scalar("twice_nll", float(result.twice_nll)),
        **{key: int(getattr(result, key)) for key in (*_COUNTS, "n_evaluations")},
        "n_active_bounds": result.n_active_bounds,
        **{
            # Without a constraint there is no centre: null says that well enough.
            key: nulls.array(key, getattr(result, name).tolist(), undefined=name == "errors")
            for key, name in _LISTS.items()
        },
        "pulls": nulls.array("pulls", result.pulls.tolist(), undefined=False),
        # Row-major, as the reference writes it.
        "covariance": None if flat is None else nulls.array("covariance", flat, undefined=False),
        "fixed": [bool(entry) for entry in result.fixed],
        "at_bound": [list(entry) for entry in result.at_bound],
        "unidentified": list(result.unidentified),
        "non_positive": [list(entry) for entry in result.non_positive],
        "warnings": list(result.warnings),
        "provenance": dict(result.provenance),
        "null_reasons": nulls.reasons,
    }
    return encoded


def decode_fit(data: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `FitResult` from plain values.

    Raises
    ------
    FormatError
        If `data` has another structure.
    """
    found = data.get("schema_version") if hasattr(data, "get") else None
    if found != SCHEMA_VERSION:
        raise FormatError(
            f"this is no encoded fit result: schema_version is {found!r}; "
            f"expected {SCHEMA_VERSION!r}"
        )
    try:
        return _arguments(data)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        message = f"this encoded fit result is damaged: {type(error).__name__}: {error}"
        raise FormatError(message) from error


def _arguments(data: Mapping[str, Any]) -> dict[str, Any]:
    reasons = data["null_reasons"]
    covariance = data["covariance"]
    count = len(data["parameter_names"])
    if covariance is not None:
        covariance = _array(covariance, reasons.get("covariance", {})).reshape(count, count)
    return {
        "parameter_names": tuple(data["parameter_names"]),
        **{key: data[key] for key in (*_PLAIN, *_COUNTS)},
        **{key: _scalar(data[key], reasons.get(key)) for key in _SCALARS},
        **{name: _array(data[key], reasons.get(key, {})) for key, name in _LISTS.items()},
        "covariance_source": covariance,
        "fixed": tuple(data["fixed"]),
        "at_bound": tuple((name, side) for name, side in data["at_bound"]),
        "unidentified": tuple(data["unidentified"]),
        "non_positive": tuple((channel, index) for channel, index in data["non_positive"]),
        "warnings": tuple(data["warnings"]),
        "provenance": data["provenance"],
    }


def _scalar(value: float | None, reason: str | None) -> float:
    return _VALUE_OF.get(reason or "", nan) if value is None else float(value)


def _array(values: list[float | None], reasons: Mapping[str, str]) -> np.ndarray:
    array = np.array([nan if value is None else value for value in values], dtype=float)
    for index, reason in reasons.items():
        array[int(index)] = _VALUE_OF.get(reason, nan)
    return array


def to_json_text(data: Mapping[str, Any], indent: int | None) -> str:
    """JSON text; a number that JSON cannot hold is an error."""
    return json.dumps(data, indent=indent, allow_nan=False)


def from_json_text(text: str | bytes) -> Any:
    """Value of a JSON text."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise FormatError(f"this is no JSON: {error}") from error
