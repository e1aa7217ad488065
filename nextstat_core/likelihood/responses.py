"""Terms of parameters that modifiers see through a response."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nextstat_core.ir import CellFactor
from nextstat_core.stats import through

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.ir import Response, Term

__all__ = ["through_responses"]


def through_responses(terms: list[Term], responses: Mapping[str, Response]) -> list[Term]:
    """`terms` with the curves of the parameters in `responses` taken of what these give."""
    return [_through(term, responses) for term in terms] if responses else terms


def _through(term: Term, responses: Mapping[str, Response]) -> Term:
    if isinstance(term, CellFactor):
        pairs = zip(term.parameters, term.curves, strict=True)
        curves = tuple(through(c, responses[p]) if p in responses else c for p, c in pairs)
        return replace(term, curves=curves)
    if term.parameter not in responses:
        return term
    return replace(term, curve=through(term.curve, responses[term.parameter]))
