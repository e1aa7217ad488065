"""Terms of a plugin's modifier, checked: its author must hear what is wrong, and where."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError, ModelError, PluginError, Problem
from nextstat_core.ir import CellAddition, CellFactor, Curve, RowFactor
from nextstat_core.ir.place import at_modifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from nextstat_core.ir import Channel, Family, ModifierType, PluginModifier, Sample, Term

__all__ = ["plugin_terms"]


def plugin_terms(
    modifier: PluginModifier, sample: Sample, channel: Channel, kind: ModifierType
) -> Sequence[Term]:
    """What `lower` of the modifier's kind returns.

    Raises
    ------
    ModelError
        If `lower` refuses the data with an `InputError`.
    PluginError
        If it fails otherwise, or returns what cannot be used.
    """
    place = at_modifier(channel.name, sample.name, modifier.name, modifier.kind)
    try:
        terms: Any = kind.lower(modifier, sample, channel)
    except InputError as error:
        message = str(error).partition("\n\nHint: ")[0]
        raise ModelError([Problem(place, message, error.hint)]) from error
    except Exception as error:
        raise PluginError(
            f"{place}: the plugin that defines {modifier.kind!r} failed in lower(): "
            f"{type(error).__name__}: {error}"
        ) from error
    for complaint in _complaints(terms, modifier, channel.n_bins):
        raise PluginError(f"{place}: lower() {complaint}")
    return terms


def _complaints(terms: Any, modifier: PluginModifier, n_bins: int) -> Iterator[str]:
    if not isinstance(terms, tuple | list):
        yield f"must return a tuple of terms, found {type(terms).__name__}; write `return (term,)`"
        return
    for term in terms:
        check = _CHECKS.get(type(term))
        if check is None:
            expected = ", ".join(each.__name__ for each in _CHECKS)
            yield f"returned a {type(term).__name__} as a term; expected {expected}"
            return
        yield from check(term, n_bins)
        for name in _names(term):
            if name not in modifier.parameters:
                own = ", ".join(map(repr, modifier.parameters)) or "none"
                yield (
                    f"returned a {type(term).__name__} of the parameter {name!r}; "
                    f"the modifier has {own}"
                )
    yield from _uneven(curve for term in terms for curve in _curves(term))


def _uneven(curves: Iterable[Curve]) -> Iterator[str]:
    """Members of one family are evaluated together, so they have equally many coefficients."""
    counts: dict[Family | None, int] = {}
    for curve in curves:
        count = counts.setdefault(curve.family, len(curve.coefficients))
        if len(curve.coefficients) != count:
            yield (
                f"returned curves of the family {type(curve.family).__name__} with {count} and "
                f"with {len(curve.coefficients)} coefficients"
            )


def _curves(term: Term) -> Sequence[Curve]:
    return term.curves if isinstance(term, CellFactor) else (term.curve,)


def _names(term: Term) -> Sequence[str]:
    return term.parameters if isinstance(term, CellFactor) else (term.parameter,)


def _row_factor(term: RowFactor, n_bins: int) -> Iterator[str]:
    del n_bins
    yield from _curve(term.curve)


def _cell_addition(term: CellAddition, n_bins: int) -> Iterator[str]:
    if len(term.template) != n_bins:
        yield (
            f"returned a CellAddition with a template of {len(term.template)} entries "
            f"for {n_bins} bins"
        )
    elif not all(map(isfinite, term.template)):
        yield f"returned a CellAddition with a template that is not finite: {term.template}"
    yield from _curve(term.curve)


def _cell_factor(term: CellFactor, n_bins: int) -> Iterator[str]:
    if not len(term.parameters) == len(term.curves) == n_bins:
        yield (
            f"returned a CellFactor of {len(term.parameters)} parameters and "
            f"{len(term.curves)} curves for {n_bins} bins"
        )
    for curve in term.curves:
        yield from _curve(curve)


def _curve(curve: Any) -> Iterator[str]:
    if not isinstance(curve, Curve):
        yield f"returned a term whose curve is a {type(curve).__name__}; expected a Curve"
        return
    if curve.family is None:
        return
    try:
        hash(curve.family)
    except TypeError:
        yield (
            f"returned a curve whose family {type(curve.family).__name__} cannot be hashed; "
            "make it a frozen dataclass: @dataclass(frozen=True)"
        )
    if isinstance(curve.family, type):
        name = curve.family.__name__
        yield f"returned a curve whose family is the class {name}; expected an instance: {name}()"
    if not callable(curve.family):
        yield f"returned a curve whose family {curve.family!r} cannot be called"
    if not all(map(isfinite, curve.coefficients)):
        yield f"returned a curve with coefficients that are not finite: {curve.coefficients}"


_CHECKS: Mapping[type, Callable[[Any, int], Iterator[str]]] = {
    RowFactor: _row_factor,
    CellAddition: _cell_addition,
    CellFactor: _cell_factor,
}
