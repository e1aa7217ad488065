"""What hooks take and return, and the mapping in which the answers of all plugins are gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from nextstat_core.errors import PluginError, closest

if TYPE_CHECKING:
    from pathlib import Path

    from nextstat_core.ir import Model

__all__ = [
    "AnalysisSpec",
    "Contribution",
    "Contributions",
    "FitEvent",
    "ReaderSpec",
    "ToolSpec",
    "WriterSpec",
    "hint_for_missing",
]


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """A format that can be read.

    Attributes
    ----------
    name : str
        Name of the format: ``pyhf``, ``hs3``.
    detect : callable
        ``detect(text) -> bool``: whether `text` looks like the format; cheap, never raises.
    read : callable
        ``read(text, **options) -> Model``. Raises `FormatError` or `ModelError`.
    description : str
        One line for listings.
    read_file : callable or None
        ``read_file(path, **options) -> Model``, for formats that are more than one text: what is
        asked where a path is given.
    options : mapping of str to str
        Options of `read` and `read_file` that a user may set as text, with one line of help each;
        the command line offers ``base_dir`` as ``--base-dir``.
    """

    name: str
    detect: Callable[[str], bool]
    read: Callable[..., Model]
    description: str = ""
    read_file: Callable[..., Model] | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WriterSpec:
    """A format that can be written.

    Attributes
    ----------
    name : str
        Name of the format: ``pyhf``, ``hs3``.
    write : callable
        ``write(model, **options) -> str``. Raises `InputError` where the format cannot express the
        model.
    description : str
        One line for listings.
    write_files : callable or None
        ``write_files(model, folder, **options) -> list of Path``, for formats that are more than
        one text: makes the folder and returns what it wrote.
    options : mapping of str to str
        Options of `write` and `write_files` that a user may set as text, with one line of help
        each.
    """

    name: str
    write: Callable[..., str]
    description: str = ""
    write_files: Callable[..., list[Path]] | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnalysisSpec:
    """An analysis that reports, tools and commands ask for by name.

    Attributes
    ----------
    name : str
        What is asked for: ``ranking``.
    run : callable
        The analysis; its arguments and result are documented by the plugin.
    description : str
        One line for listings.
    """

    name: str
    run: Callable[..., Any]
    description: str = ""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function that agents may call with JSON arguments.

    Attributes
    ----------
    name : str
        Name of the tool, unique over all plugins.
    description : str
        What the tool does and returns, written for the agent.
    parameters : mapping
        JSON schema of the arguments.
    run : callable
        ``run(arguments) -> result``; both are plain JSON values.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class FitEvent:
    """What observers of fits are told.

    Attributes
    ----------
    kind : {"start", "end"}
        Whether the minimisation is about to start or has ended.
    n_rows : int
        Number of conditional fits that are minimised together.
    n_params : int
        Number of parameters of each.
    model : str
        Name of the model; may be empty.
    result : object or None
        The result at the end, None at the start. Read it, do not change it.
    """

    kind: Literal["start", "end"]
    n_rows: int
    n_params: int
    model: str = ""
    result: Any = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """One thing that one plugin registers, and who it came from."""

    names: tuple[str, ...]
    value: Any
    plugin: str
    distribution: str

    @property
    def origin(self) -> str:
        """The owner, in words."""
        return f"distribution {self.distribution!r} (plugin {self.plugin!r})"


_NOTHING: Mapping[str, str] = MappingProxyType({})


class Contributions(Mapping[str, Any]):
    """Everything that plugins register through one hook, by name.

    A name that two plugins claim is refused when it is looked up: a clash must neither hide one of
    the two nor spoil the other names.
    """

    def __init__(
        self, what: str, entries: Iterable[Contribution], broken: Mapping[str, str] = _NOTHING
    ) -> None:
        self.what = what
        self.entries = tuple(entries)
        #: Plugins that take no part, with the reason: what is missing here may be theirs.
        self.broken = broken
        self._owners: dict[str, list[Contribution]] = {}
        for entry in self.entries:
            for name in dict.fromkeys(entry.names):
                self._owners.setdefault(name, []).append(entry)

    def owner(self, name: str) -> Contribution:
        """The one contribution called `name`.

        Raises
        ------
        KeyError
            If there is none.
        PluginError
            If there are several; the message names their distributions.
        """
        first, *others = self._owners[name]
        if others:
            raise PluginError(f"{self._claims(name)}\n\nHint: uninstall all but one of them")
        return first

    @property
    def clashes(self) -> dict[str, str]:
        """Names that are registered more than once, each with a sentence that says by whom."""
        return {name: self._claims(name) for name, own in self._owners.items() if len(own) > 1}

    def _claims(self, name: str) -> str:
        claimed = " and ".join(entry.origin for entry in self._owners[name])
        return f"the {self.what} {name!r} is registered more than once: by {claimed}"

    def __getitem__(self, name: str) -> Any:
        return self.owner(name).value

    def __iter__(self) -> Iterator[str]:
        return iter(self._owners)

    def __len__(self) -> int:
        return len(self._owners)

    def __contains__(self, name: object) -> bool:
        return name in self._owners


def hint_for_missing(name: str, known: Iterable[str], registered: Mapping[str, Any]) -> str:
    """What may have become of `name`, which is none of `known` and of what plugins registered."""
    broken = registered.broken if isinstance(registered, Contributions) else _NOTHING
    sentences = [
        f"the plugin {plugin!r} is installed but broken: {reason} "
        "(see `nextstat plugins --verbose`)"
        for plugin, reason in broken.items()
    ]
    return "; ".join(filter(None, [closest(name, known), *sentences]))
