"""Several workspaces into one, joined by the names of their channels and measurements."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from nextstat_core.errors import InputError, Problem
from nextstat_core.io.operands import Document, each_modifier, operand, refuse_repeated_names
from nextstat_core.io.places import Path, words
from nextstat_core.ir.place import at_channel, at_sample

__all__ = ["JOINS", "Join", "shared_modifiers", "workspace_combine", "workspace_combine_all"]

#: What becomes of what both workspaces have; see `workspace_combine`.
Join: TypeAlias = Literal["none", "outer", "left outer", "right outer"]
JOINS: Final[tuple[str, ...]] = get_args(Join)

_HINTS = {
    "none": "rename what is different, or join='outer' if what has the same name is the same",
    "outer": "rename what is different, or say which one counts: join='left outer'",
}


def workspace_combine(
    left: Mapping[str, Any],
    right: Mapping[str, Any],
    *,
    join: Join = "none",
    merge_channels: bool = False,
) -> Document:
    """Combine two decoded workspaces; the result shares nothing with them.

    Modifiers of one name are one parameter in the result, whichever workspace they come from: name
    those differently that are not correlated.

    Parameters
    ----------
    left, right : mapping
        Decoded workspaces.
    join : {"none", "outer", "left outer", "right outer"}
        What becomes of channels, observations and measurements of the same name. ``none``: they
        are refused. ``outer``: those that are equal are taken once, others are refused;
        measurements with the same parameter of interest are merged, if they agree on the
        parameters that both configure. ``left outer`` and ``right outer``: that of the left or of
        the right workspace counts, the other one is left out, a measurement with its settings.
    merge_channels : bool
        Whether channels of one name become one channel with the samples of both, for all joins but
        ``none``. Samples of one name are joined by the same rule as channels.

    Returns
    -------
    dict
        A workspace, with the entries of the workspace that counts first.

    Raises
    ------
    ModelError
        If a workspace does not follow the schema, or has several channels, samples or measurements
        of one name.
    InputError
        If `join` is unknown, or the workspaces cannot be joined like this; lists all reasons.

    Notes
    -----
    This is pyhf's `Workspace.combine`, with one difference: with ``outer`` and `merge_channels`
    pyhf leaves out a sample of the right workspace if the left one has a different sample of this
    name. Here that is refused, as everything that differs is with ``outer``.
    """
    _check_request(join, merge_channels=merge_channels)
    first, second = operand(left), operand(right)
    for document in (first, second):
        refuse_repeated_names(document)
    if join == "right outer":
        first, second = second, first
    joining = _Joining(join, merge_channels, first, second)
    combined: Document = {
        "channels": joining.join("channels", joining.channel),
        "measurements": joining.join("measurements", joining.measurement),
        "observations": joining.join("observations", None),
        "version": first["version"],
    }
    if joining.problems:
        lines = [f"  - {problem}" for problem in joining.problems]
        head = f"the workspaces cannot be combined with join={join!r}:"
        raise InputError("\n".join([head, *lines]), hint=_HINTS.get(join, ""))
    return combined


def workspace_combine_all(
    documents: Sequence[Mapping[str, Any]], *, join: Join = "none", merge_channels: bool = False
) -> Document:
    """Combine any number of decoded workspaces, one after the other, from the left.

    The arguments are those of `workspace_combine`.

    Raises
    ------
    InputError
        If there are fewer than two.
    """
    if len(documents) < 2:
        raise InputError(f"{len(documents)} workspaces to combine; expected at least two")
    combined, *others = documents
    for other in others:
        combined = workspace_combine(combined, other, join=join, merge_channels=merge_channels)
    return dict(combined)


def shared_modifiers(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of modifiers that more than one decoded workspace has: one parameter when combined."""
    seen: set[str] = set()
    shared: dict[str, None] = {}
    for document in documents:
        names = {modifier["name"] for _, _, modifier in each_modifier(dict(document))}
        shared.update(dict.fromkeys(sorted(names & seen)))
        seen |= names
    return list(shared)


def _check_request(join: str, *, merge_channels: bool) -> None:
    if join not in JOINS:
        raise InputError.unknown("join", join, JOINS)
    if merge_channels and join == "none":
        message = "`merge_channels` needs a join that keeps what both workspaces have"
        raise InputError(message, hint="use join='outer', 'left outer' or 'right outer'")


_Merge: TypeAlias = Callable[[Document, Document], Document | None]


@dataclass(slots=True)
class _Joining:
    """One combination; `first` is the workspace that counts where both have something."""

    how: str
    merge_channels: bool
    first: Document
    second: Document
    problems: list[Problem] = field(default_factory=list)

    def join(self, section: str, merge: _Merge | None) -> list[Document]:
        """Entries of a section; `merge` makes one of two with the same name, or declines."""
        joined = {entry["name"]: entry for entry in self.first[section]}
        for index, entry in enumerate(self.second[section]):
            old = joined.get(entry["name"])
            if old is None:
                joined[entry["name"]] = entry
            elif self.how == "none":
                place = words(self.second, (section, index))
                self.problems.append(Problem(place, "both workspaces have it"))
            else:
                merged = None if merge is None else merge(old, entry)
                if merged is not None:
                    joined[entry["name"]] = merged
                elif self.how == "outer" and old != entry:
                    self._differs((section, index), old, entry)
        return list(joined.values())

    def channel(self, old: Document, new: Document) -> Document | None:
        if not self.merge_channels:
            return None
        samples = {sample["name"]: sample for sample in old["samples"]}
        n_bins = len(old["samples"][0]["data"])
        for sample in new["samples"]:
            place = at_sample(new["name"], sample["name"])
            if sample["name"] not in samples:
                samples[sample["name"]] = sample
                if len(sample["data"]) != n_bins:
                    found = f"{n_bins} expected, {len(sample['data'])} found"
                    message = f"wrong number of bins for the merged channel: {found}"
                    self.problems.append(Problem(place, message))
            elif self.how == "outer" and samples[sample["name"]] != sample:
                self.problems.append(Problem(place, "the samples of both workspaces differ"))
        return {**old, "samples": list(samples.values())}

    def measurement(self, old: Document, new: Document) -> Document | None:
        if self.how != "outer":
            return None
        place = f"measurement {old['name']!r}"
        config, other = old["config"], new["config"]
        if config["poi"] != other["poi"]:
            message = f"the parameters of interest are {config['poi']!r} and {other['poi']!r}"
            self.problems.append(Problem(place, message))
        settings = {entry["name"]: entry for entry in config["parameters"]}
        for entry in other["parameters"]:
            if settings.setdefault(entry["name"], entry) != entry:
                message = "the settings of both workspaces differ"
                self.problems.append(Problem(f"{place}, parameter {entry['name']!r}", message))
        return {**old, "config": {**config, "parameters": list(settings.values())}}

    def _differs(self, path: Path, old: Document, new: Document) -> None:
        section, index = path
        where = words(self.second, (section, index, *_first_difference(old, new)))
        message = "the two workspaces differ"
        if section == "channels":
            where = where or at_channel(new["name"])
            message += " (`merge_channels` would join the samples)"
        self.problems.append(Problem(where, message))


def _first_difference(old: Any, new: Any) -> Path:
    """Path into `new` of the first thing that `old` has differently, or not at all."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in new.items():
            if key not in old or old[key] != value:
                return (key, *_first_difference(old.get(key), value))
    if isinstance(old, list) and isinstance(new, list):
        for index, value in enumerate(new):
            if index >= len(old) or old[index] != value:
                rest = _first_difference(old[index], value) if index < len(old) else ()
                return (index, *rest)
    return ()
