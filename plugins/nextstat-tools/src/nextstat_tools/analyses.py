"""The tools themselves: arguments that were checked to plain values.

Each calls the function of `nextstat_core` that the facade calls too, so that numbers agree.
"""

from __future__ import annotations

import base64
import binascii
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nextstat_core.errors import InputError, NextstatError
from nextstat_core.hooks import get_manager
from nextstat_tools.context import current_call
from nextstat_tools.execution import Execution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import ToyHypotestResult

__all__ = ["ANALYSES"]

_READER = "read_root_histogram"


def _text(arguments: Mapping[str, Any]) -> bytes:
    # As bytes: a string that is no JSON would be taken for a path.
    try:
        return str(arguments["workspace_json"]).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"`workspace_json` is no Unicode text: {error}") from error


def _model(arguments: Mapping[str, Any]) -> HistFactoryModel:
    from nextstat_core.models import HistFactoryModel

    precise = Execution.of(arguments).precise
    model = HistFactoryModel.from_workspace(_text(arguments), precise=precise)
    _warn(model.warnings)
    return model


def _warn(warnings: Iterable[object]) -> None:
    known = current_call().warnings
    known.extend(text for text in map(str, warnings) if text not in known)


def _fit(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from nextstat_core import infer
    from nextstat_core.results.table import ranked

    result = infer.fit(_model(arguments))
    _warn(result.warnings)
    names, poi = result.parameter_names, result.poi_index
    shown = sorted(ranked(result)[: arguments["top_n"] or None])
    answer: dict[str, Any] = {
        "nll": result.nll,
        "converged": result.converged,
        "termination_reason": result.termination_reason,
        "n_iter": result.n_iter,
        "poi_index": poi,
        "poi_value": None if poi is None else float(result.values[poi]),
        "poi_error": None if poi is None else float(result.errors[poi]),
        "parameters": {
            names[index]: {"value": float(result.values[index]), "error": float(error)}
            for index in shown
            for error in (result.errors[index],)
        },
    }
    return _cut(answer, "parameters", len(names))


def _cut(answer: dict[str, Any], key: str, total: int) -> dict[str, Any]:
    """Note how many entries there were, if some were left out."""
    if len(answer[key]) < total:
        answer["truncated"] = {key: total}
    return answer


def _hypotest(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from nextstat_core import infer

    found = infer.hypotest(_model(arguments), arguments["mu"])
    _warn(found.warnings)
    return {"mu": found.mu, "cls": found.cls, "clsb": found.clsb, "clb": found.clb}


def _hypotest_toys(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from nextstat_core import infer

    asked = {key: arguments[key] for key in ("n_toys", "seed")}
    result = infer.hypotest_toys(
        _model(arguments),
        arguments["mu"],
        threads=Execution.of(arguments).workers,
        progress=current_call().progress,
        **asked,
    )
    _warn(result.warnings)
    expected = _expected(result) if arguments["expected_set"] else None
    return {
        "mu": float(arguments["mu"]),
        **asked,
        "expected_set": arguments["expected_set"],
        "cls": result.cls,
        "clsb": result.clsb,
        "clb": result.clb,
        "expected_cls": expected,
        "raw": _raw(result, expected, meta=arguments["return_meta"]),
    }


def _expected(result: ToyHypotestResult) -> list[float] | None:
    return None if result.expected_cls is None else result.expected_cls.tolist()


def _raw(result: ToyHypotestResult, expected: list[float] | None, *, meta: bool) -> Any:
    """What ``nextstat.hypotest_toys`` returns, with lists for tuples."""
    if meta:
        known = {key: value for key, value in result.to_dict().items() if key != "expected"}
        return known if expected is None else {**known, "expected": expected}
    return result.cls if expected is None else [result.cls, expected]


def _upper_limit(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from nextstat_core import infer

    asked = {key: arguments[key] for key in ("alpha", "rtol", "expected")}
    found = infer.upper_limits(_model(arguments), **asked)
    _warn(found.warnings)
    if found.observed < arguments["lo"]:
        raise InputError(
            f"the limit is {found.observed:.6g}, below `lo`, which is {arguments['lo']:g}"
        )
    answer = {"alpha": arguments["alpha"], "obs_limit": found.observed}
    return answer if found.expected is None else {**answer, "exp_limits": found.expected.tolist()}


def _ranking(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from nextstat_core import infer

    found = infer.impacts(_model(arguments), progress=current_call().progress)
    _warn(found.warnings)
    rows: list[dict[str, Any]] = [
        {
            "name": entry.name,
            "delta_mu_up": entry.up,
            "delta_mu_down": entry.down,
            "total_impact": abs(entry.up) + abs(entry.down),
            "pull": entry.pull,
            "constraint": entry.constraint,
        }
        for entry in found
    ]
    rows.sort(key=lambda row: (-row["total_impact"], row["name"]))
    listed = rows[: arguments["top_n"] or None]
    ranked = [{**row, "rank": rank} for rank, row in enumerate(listed, start=1)]
    return _cut({"ranking": ranked}, "ranking", len(rows))


def _discovery_asymptotic(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from nextstat_core import infer

    found = infer.discovery(_model(arguments))
    _warn(found.warnings)
    keys = ("mu_hat", "nll_hat", "nll_mu0", "q0", "z0", "p0")
    return {key: float(getattr(found, key)) for key in keys}


def _scan(arguments: Mapping[str, Any]) -> dict[str, Any]:
    import numpy as np

    from nextstat_core import infer

    values = np.linspace(arguments["start"], arguments["stop"], arguments["points"])
    scan = infer.profile_scan(_model(arguments), values, progress=current_call().progress)
    found = scan.to_dict()
    _warn(found.pop("warnings", ()))
    return found


def _workspace_audit(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from nextstat_core.io import workspace_audit

    audit = workspace_audit(_text(arguments), modifier_types=get_manager().modifiers)
    lists = {key: value for key, value in audit.items() if isinstance(value, list)}
    few = {key: value[: arguments["top_n"] or None] for key, value in lists.items()}
    truncated = {key: len(value) for key, value in lists.items() if len(few[key]) < len(value)}
    return {**audit, **few, **({"truncated": truncated} if truncated else {})}


def _read_root_histogram(arguments: Mapping[str, Any]) -> dict[str, Any]:
    path, data = arguments.get("root_path"), arguments.get("root_bytes_base64")
    if (path is None) == (data is None):
        raise InputError("give exactly one of `root_path` and `root_bytes_base64`")
    read = get_manager().analyses.get(_READER)
    if read is None:
        raise NextstatError(
            "no installed plugin reads ROOT files\n\nHint: python -m pip install nextstat-root"
        )
    if path is not None:
        return dict(read.run(path, arguments["hist_path"]))
    with tempfile.TemporaryDirectory() as folder:
        name = Path(arguments.get("filename_hint") or "").name or "histograms.root"
        copy = Path(folder) / name
        copy.write_bytes(_decoded(data))
        return dict(read.run(str(copy), arguments["hist_path"]))


def _decoded(data: Any) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"`root_bytes_base64` is no base64: {error}") from error


#: The tools by name.
ANALYSES: Final[dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "nextstat_fit": _fit,
    "nextstat_hypotest": _hypotest,
    "nextstat_hypotest_toys": _hypotest_toys,
    "nextstat_upper_limit": _upper_limit,
    "nextstat_ranking": _ranking,
    "nextstat_discovery_asymptotic": _discovery_asymptotic,
    "nextstat_scan": _scan,
    "nextstat_workspace_audit": _workspace_audit,
    "nextstat_read_root_histogram": _read_root_histogram,
}
