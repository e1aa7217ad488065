"""A summary of a workspace that is also possible where the workspace is unusable."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from nextstat_core.errors import Problem
from nextstat_core.io.decode import Decoded, decode, describe
from nextstat_core.io.document import BUILT_IN_KINDS
from nextstat_core.io.hs3 import is_hs3, outline
from nextstat_core.io.lint.run import lint_readings
from nextstat_core.io.reading import Reading
from nextstat_core.io.workspace import try_workspace
from nextstat_core.ir import ModifierType

__all__ = ["workspace_audit"]

_PER_BIN = ("shapefactor", "shapesys", "staterror")


def workspace_audit(
    source: Any, *, modifier_types: Mapping[str, ModifierType] | None = None
) -> dict[str, Any]:
    """Count what a workspace holds and list what is wrong with it.

    Parameters
    ----------
    source : str, bytes or mapping
        JSON text, or the decoded workspace.
    modifier_types : mapping of str to ModifierType, optional
        Kinds of modifiers that plugins define.

    Returns
    -------
    dict
        ``channel_count``, ``total_samples``, ``total_bins``, ``total_modifiers``,
        ``parameter_count_estimate`` (exact where the workspace loads), ``modifier_types_used``
        (number by kind), ``measurements`` (``name``, ``poi``, ``n_fixed_params``; in HS3 these are
        the analyses), ``unsupported_features``, ``problems`` and ``warnings`` (``place``,
        ``message``, ``hint``), and ``lint``: what is odd (the fields of
        `nextstat_core.io.lint.Finding`). The workspace loads if there are no problems.

    Raises
    ------
    FormatError
        If the text is no JSON.
    """
    decoded = decode(source)
    reading = _read(decoded, modifier_types)
    relaxed = _relaxed(decoded, reading, modifier_types)
    known = {*BUILT_IN_KINDS, *(modifier_types or ())}
    counted = outline(decoded.document) if is_hs3(decoded.document) else decoded.document
    channels = _objects(counted, "channels")
    samples = [sample for channel in channels for sample in _objects(channel, "samples")]
    modifiers = [modifier for sample in samples for modifier in _objects(sample, "modifiers")]
    return {
        "channel_count": len(channels),
        "total_samples": len(samples),
        "total_bins": sum(map(_n_bins, channels)),
        "total_modifiers": len(modifiers),
        "parameter_count_estimate": _parameter_count(counted, relaxed),
        "modifier_types_used": dict(Counter(str(entry.get("type")) for entry in modifiers)),
        "measurements": [*map(_measurement, _objects(counted, "measurements"))],
        "unsupported_features": [
            f'unsupported modifier type: "{kind}" (name: "{name}")'
            for kind, name in dict.fromkeys(
                (str(entry.get("type")), str(entry.get("name"))) for entry in modifiers
            )
            if kind not in known
        ],
        "problems": [*map(_as_dict, reading.problems)],
        "warnings": [*map(_as_dict, reading.warnings)],
        "lint": [finding.to_dict() for finding in lint_readings(reading, relaxed)],
    }


def _read(decoded: Decoded, modifier_types: Mapping[str, ModifierType] | None) -> Reading:
    if not isinstance(decoded.document, Mapping):
        message = f"a workspace is a JSON object; found {describe(decoded.document)}"
        return Reading(problems=[Problem("", message)])
    if decoded.problems:
        return Reading(problems=list(decoded.problems))
    return try_workspace(decoded.document, modifier_types=modifier_types)


def _relaxed(
    decoded: Decoded, reading: Reading, modifier_types: Mapping[str, ModifierType] | None
) -> Reading:
    """The reading, without a parameter of interest if that alone may be missing."""
    if reading.model is None and isinstance(decoded.document, Mapping) and not decoded.problems:
        return try_workspace(decoded.document, poi=None, modifier_types=modifier_types)
    return reading


def _parameter_count(counted: Any, relaxed: Reading) -> int:
    if relaxed.model is not None:
        return len(relaxed.model.parameters)
    return len(set(_components(counted)))


def _components(document: Any) -> Iterator[tuple[str, str, int]]:
    """(name, channel, bin) of each parameter that the modifiers seem to bring."""
    for channel in _objects(document, "channels"):
        for sample in _objects(channel, "samples"):
            for modifier in _objects(sample, "modifiers"):
                name, kind = str(modifier.get("name")), modifier.get("type")
                where = str(channel.get("name")) if kind == "staterror" else ""
                count = _n_bins(channel) if kind in _PER_BIN else 1
                yield from ((name, where, index) for index in range(count))


def _measurement(entry: Mapping[str, Any]) -> dict[str, Any]:
    config = entry.get("config")
    settings = _objects(config, "parameters")
    return {
        "name": _text(entry, "name"),
        "poi": _text(config, "poi"),
        "n_fixed_params": sum(setting.get("fixed") is True for setting in settings),
    }


def _text(node: Any, key: str) -> str | None:
    value = node.get(key) if isinstance(node, Mapping) else None
    return value if isinstance(value, str) else None


def _n_bins(channel: Mapping[str, Any]) -> int:
    samples = _objects(channel, "samples")
    data = samples[0].get("data") if samples else None
    return len(data) if isinstance(data, list | tuple) else 0


def _objects(node: Any, key: str) -> list[Mapping[str, Any]]:
    """Entries of a list that are objects; empty where there is no such list."""
    entries = node.get(key) if isinstance(node, Mapping) else None
    if not isinstance(entries, list | tuple):
        return []
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _as_dict(problem: Problem) -> dict[str, str]:
    return {"place": problem.place, "message": problem.message, "hint": problem.hint}
