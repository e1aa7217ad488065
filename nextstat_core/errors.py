"""Errors that users meet.

::

    NextstatError
    ├── InputError (ValueError)                 an argument that cannot be used
    ├── FormatError (ValueError)                text that is not the format that it claims to be
    ├── ModelError (ValueError)                 no usable model in a document; has `problems`
    ├── MissingPOIError (ValueError)            the model has no parameter of interest
    ├── BackendNotFoundError (LookupError)      no installed backend has this name
    ├── BackendUnavailableError (RuntimeError)  library or device of a backend is missing
    ├── PluginError (RuntimeError)              a plugin breaks the contract
    ├── FitError (RuntimeError)                 no convergence, and the caller wants an exception
    └── WorkerError (RuntimeError)              an executor lost work

Each message says what was found and what was expected; where there is a remedy, a blank line and a
`Hint:` follow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

__all__ = [
    "BackendNotFoundError",
    "BackendUnavailableError",
    "FitError",
    "FormatError",
    "InputError",
    "MissingPOIError",
    "ModelError",
    "NextstatError",
    "PluginError",
    "Problem",
    "WorkerError",
    "closest",
]


def closest(name: str, candidates: Iterable[str]) -> str:
    """A `did you mean` clause for a misspelt name, or the empty string."""
    # With difflib's default cutoff 'cupy' is answered with "did you mean 'numpy'?".
    matches = get_close_matches(name, list(candidates), n=3, cutoff=0.7)
    return f"did you mean {' or '.join(map(repr, matches))}?" if matches else ""


def _with_hint(message: str, hint: str) -> str:
    return f"{message}\n\nHint: {hint}" if hint else message


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or odd, in a document.

    Attributes
    ----------
    place : str
        Where, in words a physicist uses: ``channel 'SR', sample 'bkg', modifier 'jes' (normsys)``.
    message : str
        What was found and what was expected.
    hint : str
        What to do about it; may be empty.
    """

    place: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text} ({self.hint})" if self.hint else text


class NextstatError(Exception):
    """Base class of all errors of this project."""


class InputError(NextstatError, ValueError):
    """An argument cannot be used."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(_with_hint(message, hint))
        self.hint = hint

    @classmethod
    def unknown(cls, what: str, name: object, candidates: Sequence[str]) -> Self:
        """`what` has no entry `name`; `candidates` are the ones that exist."""
        shown = ", ".join(map(repr, candidates[:12])) + (", ..." if len(candidates) > 12 else "")
        hint = closest(str(name), candidates)
        return cls(f"no {what} named {name!r}; there are: {shown or 'none'}", hint=hint)

    @classmethod
    def length(cls, what: str, expected: int, found: int) -> Self:
        """`what` has the wrong number of entries."""
        return cls(f"`{what}` has the wrong length: expected {expected}, found {found}")


class FormatError(NextstatError, ValueError):
    """A text is not the format that it claims to be."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(_with_hint(message, hint))
        self.hint = hint


class ModelError(NextstatError, ValueError):
    """A document describes no usable model; lists every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "the workspace cannot be used" + (f": {count} problems" if count > 1 else "")
        super().__init__("\n".join([head, *(f"  - {problem}" for problem in self.problems)]))

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class MissingPOIError(NextstatError, ValueError):
    """The request needs a parameter of interest and the model has none."""

    def __init__(self, what: str) -> None:
        super().__init__(
            _with_hint(
                f"{what} needs a parameter of interest; the model was loaded without one",
                "load the model with poi='name of a parameter'",
            )
        )
        self.what = what

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.what,)


class BackendNotFoundError(NextstatError, LookupError):
    """No installed backend has the requested name; `distribution` is what would bring it.

    `hint` is what else may be done about it.
    """

    def __init__(
        self, name: str, installed: Sequence[str], distribution: str = "", hint: str = ""
    ) -> None:
        listed = ", ".join(sorted(installed)) or "none"
        install = f"python -m pip install {distribution}" if distribution else ""
        super().__init__(
            _with_hint(
                f"no backend named {name!r}; installed: {listed}",
                "; ".join(filter(None, [hint, install])),
            )
        )
        self.name = name
        self.installed = tuple(installed)
        self.distribution = distribution
        self.hint = hint

    def __reduce__(self) -> tuple[type[Self], tuple[str, tuple[str, ...], str, str]]:
        return type(self), (self.name, self.installed, self.distribution, self.hint)


class BackendUnavailableError(NextstatError, RuntimeError):
    """A backend is installed, but its library or device cannot be used here."""


class PluginError(NextstatError, RuntimeError):
    """A plugin breaks the contract of a hook."""


class FitError(NextstatError, RuntimeError):
    """A fit did not converge and the caller asked for an exception."""


class WorkerError(NextstatError, RuntimeError):
    """An executor lost a worker, and with it work that is not done."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(_with_hint(message, hint))
        self.hint = hint
