"""Which interpolation code each normsys and histosys uses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast, get_args

from nextstat_core.errors import InputError, closest
from nextstat_core.ir import Interpolation

__all__ = ["InterpolationChoice", "Interpolations", "choose_interpolations"]

#: ``"pyhf"`` or ``"root"`` (both mean the defaults), a code for the kinds that it fits
#: (``"code1"``), or codes by kind (``"normsys"``) and by modifier (``"normsys/jes"``).
InterpolationChoice: TypeAlias = str | Mapping[str, str] | None

_DEFAULTS: Mapping[str, Interpolation] = {"normsys": "code4", "histosys": "code4p"}
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "normsys": ("code1", "code4"),
    "histosys": ("code0", "code2", "code2_pyhf", "code4p"),
}
_NAMES = ("pyhf", "root")


@dataclass(frozen=True, slots=True)
class Interpolations:
    """Codes by kind of modifier, and those of single modifiers by (kind, name)."""

    normsys: Interpolation
    histosys: Interpolation
    single: Mapping[tuple[str, str], Interpolation]

    def code(self, kind: str, name: str) -> Interpolation:
        """Return the code of one modifier."""
        default = self.normsys if kind == "normsys" else self.histosys
        return self.single.get((kind, name), default) if self.single else default

    def refuse_unused(self, modifiers: Iterable[tuple[str, str]]) -> None:
        """Raise `InputError` if a single code is for none of the `modifiers`: kinds and names."""
        if not self.single:
            return
        present = {f"{kind}/{name}" for kind, name in modifiers}
        for kind, name in self.single:
            key = f"{kind}/{name}"
            if key not in present:
                message = f"`interpolation` has a code for {key!r}; there is no such modifier"
                raise InputError(message, hint=closest(key, present))


def choose_interpolations(choice: InterpolationChoice) -> Interpolations:
    """Read the user's choice; see `InterpolationChoice`.

    Raises
    ------
    InputError
        If a name, a kind or a code is unknown, or a code does not fit the kind.
    """
    if choice is None or (isinstance(choice, str) and choice in _NAMES):
        choice = {}
    if isinstance(choice, str):
        choice = {kind: choice for kind, codes in _ALLOWED.items() if choice in codes} or choice
    if not isinstance(choice, Mapping):
        known = [*_NAMES, *(code for codes in _ALLOWED.values() for code in codes)]
        raise InputError.unknown("interpolation", choice, known)
    by_kind = dict(_DEFAULTS)
    single: dict[tuple[str, str], Interpolation] = {}
    for key, code in choice.items():
        kind, slash, name = str(key).partition("/")
        _check(kind, code)
        if slash:
            single[kind, name] = cast("Interpolation", code)
        else:
            by_kind[kind] = cast("Interpolation", code)
    return Interpolations(by_kind["normsys"], by_kind["histosys"], single)


def _check(kind: str, code: Any) -> None:
    if kind not in _ALLOWED:
        raise InputError.unknown("kind of modifier with an interpolation code", kind, [*_ALLOWED])
    if code not in _ALLOWED[kind]:
        known = code in get_args(Interpolation)
        what = f"interpolation code for {kind}" if known else "interpolation code"
        raise InputError.unknown(what, code, _ALLOWED[kind])
