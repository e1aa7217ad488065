"""The layouts that HS3 documents have had, brought to today's.

Sources: the tutorial rf515 of ROOT 6.26 to 6.28 (sections as objects, ``dist``, ``obs``,
``variables``, ``statError``); ROOT's HS3 importer and exporter, file JSONFactories_HistFactory.cxx;
and the text of the HS3 standard, chapters 2.3 to 2.7.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

__all__ = ["ShapeSysValues", "in_todays_layout", "is_hs3", "shapesys_values"]

#: What the ``vals`` of a shapesys are: uncertainties relative to the yields or in events, or the
#: expected number of auxiliary events.
ShapeSysValues: TypeAlias = Literal["relative", "absolute", "counts"]

_SECTIONS = (
    "analyses",
    "data",
    "distributions",
    "domains",
    "functions",
    "likelihoods",
    "parameter_points",
)


def is_hs3(document: Any) -> bool:
    """Whether a decoded document is HS3: it has ``distributions``, and no ``channels``."""
    return (
        isinstance(document, Mapping) and "distributions" in document and "channels" not in document
    )


def shapesys_values(document: Mapping[str, Any]) -> ShapeSysValues | None:
    """How the writer of a document means ``data.vals`` of a shapesys; None if nobody signed it.

    ROOT 6.30 and later writes relative uncertainties, and so do we. Before (root-project/root, pull
    request 13572) its Poisson terms had their number of events there.
    """
    for name, version in _packages(document):
        if name == "nextstat":
            return "relative"
        if name == "ROOT":
            return "relative" if _version(version) >= (6, 30) else "counts"
    return None


def in_todays_layout(document: Mapping[str, Any]) -> dict[str, Any]:
    """Copy of a document in which sections are lists and keys have their present names.

    What is not understood stays as it is: the readers of the sections report it.
    """
    new = dict(document)
    for section in _SECTIONS:
        if isinstance(new.get(section), Mapping):
            new[section] = _named(new[section])
        if section in _RENAME and isinstance(new.get(section), list):
            new[section] = [
                _RENAME[section](entry) if isinstance(entry, Mapping) else entry
                for entry in new[section]
            ]
    return new


def _named(entries: Mapping[str, Any]) -> list[Any]:
    """List the entries of an object, each with its key as its name."""
    return [
        {"name": name, **entry} if isinstance(entry, Mapping) else entry
        for name, entry in entries.items()
    ]


def _renamed(entry: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Give keys their new names, except where the new one is there already."""
    return {
        names[key] if key in names and names[key] not in entry else key: value
        for key, value in entry.items()
    }


def _likelihood(entry: Mapping[str, Any]) -> dict[str, Any]:
    new = dict(entry)
    for old, key in (("dist", "distributions"), ("obs", "data")):
        if old in new and key not in new:
            new[key] = [new.pop(old)]
    return new


def _analysis(entry: Mapping[str, Any]) -> dict[str, Any]:
    new = _renamed(entry, {"pois": "parameters_of_interest"})
    for one, many in (("likelihood", "likelihoods"), ("domain", "domains")):
        if one in new and many not in new:
            new[many] = [new.pop(one)]
    return new


def _with_axes(entry: Mapping[str, Any]) -> dict[str, Any]:
    new = _renamed(entry, {"variables": "axes"})
    if isinstance(new.get("axes"), Mapping):
        new["axes"] = _named(new["axes"])
    return new


def _data(entry: Mapping[str, Any]) -> dict[str, Any]:
    new = _renamed(_with_axes(entry), {"counts": "contents"})
    if "type" not in new:
        new["type"] = "binned" if "contents" in new else "unbinned"
    return new


def _distribution(entry: Mapping[str, Any]) -> dict[str, Any]:
    new = _renamed(entry, {"statError": "staterror"})
    samples = new.get("samples")
    if isinstance(samples, Mapping):
        samples = _named(samples)
    if not isinstance(samples, list):
        return new
    samples = [_sample(sample) for sample in samples]
    new["samples"] = samples
    if "axes" not in new:
        for sample in samples:
            data = sample.get("data") if isinstance(sample, Mapping) else None
            if isinstance(data, Mapping) and "axes" in data:
                new["axes"] = data["axes"]
                break
    return new


def _sample(sample: Any) -> Any:
    if not isinstance(sample, Mapping) or not isinstance(sample.get("data"), Mapping):
        return sample
    return {**sample, "data": _renamed(_with_axes(sample["data"]), {"counts": "contents"})}


def _parameter_point(entry: Mapping[str, Any]) -> dict[str, Any]:
    if "parameters" not in entry:
        values = {key: value for key, value in entry.items() if isinstance(value, Mapping)}
        return {"name": entry.get("name"), "parameters": _named(values)}
    if isinstance(entry["parameters"], Mapping):
        return {**entry, "parameters": _named(entry["parameters"])}
    return dict(entry)


_RENAME = {
    "analyses": _analysis,
    "data": _data,
    "distributions": _distribution,
    "domains": _with_axes,
    "likelihoods": _likelihood,
    "parameter_points": _parameter_point,
}


def _packages(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    metadata = document.get("metadata")
    packages = metadata.get("packages") if isinstance(metadata, Mapping) else None
    if not isinstance(packages, list):
        return []
    return [
        (str(entry.get("name")), str(entry.get("version", "")))
        for entry in packages
        if isinstance(entry, Mapping)
    ]


def _version(text: str) -> tuple[int, ...]:
    """Leading numbers of a version; ROOT separates with dots or slashes."""
    numbers = []
    for part in text.replace("/", ".").split("."):
        if not part.isdecimal() or len(part) > 4:
            break
        numbers.append(int(part))
    return tuple(numbers) or (6, 30)
