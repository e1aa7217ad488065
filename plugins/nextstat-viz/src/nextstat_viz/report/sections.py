"""The sections of a report: what each shows, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nextstat_core.hooks import get_manager
from nextstat_core.io import workspace_audit
from nextstat_core.tables import Table
from nextstat_viz.fit_figures import correlation_figure, pulls_figure
from nextstat_viz.limit_figures import cls_figure
from nextstat_viz.ranking_figures import ranking_figure
from nextstat_viz.report.yields_table import yields_table
from nextstat_viz.scan_figures import profile_figure
from nextstat_viz.yield_figures import channels_figure, distribution_figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nextstat_viz.figure import FigureSpec
    from nextstat_viz.report.study import Study

__all__ = ["SECTIONS", "Block", "Section"]

#: Text for a paragraph, a table, a figure, or a result that shows itself as HTML.
Block: TypeAlias = "str | Table | FigureSpec | Any"
#: Pulls that are shown beside the ranking's own.
_MOST_PULLS = 40
#: Correlations from this size on matter.
_LARGE = 0.1


@dataclass(frozen=True, slots=True)
class Section:
    """One section.

    Attributes
    ----------
    title : str
    build : callable
        From a study to the blocks of the section.
    needs : frozenset of str
        ``poi``: a parameter of interest; ``fit``: a converged fit.
    """

    title: str
    build: Callable[[Study], Iterator[Block]]
    needs: frozenset[str] = frozenset()

    def missing(self, study: Study) -> str:
        """Why the section does not apply; empty if it does."""
        if "poi" in self.needs and study.poi is None:
            return "Not applicable: the model has no parameter of interest."
        if "fit" in self.needs and not study.fit.converged:
            return f"Not shown: the fit did not converge ({study.fit.termination_reason})."
        return ""


def _fit(study: Study) -> Iterator[Block]:
    yield study.fit


def _audit(study: Study) -> Iterator[Block]:
    if study.content is None:
        yield "The report was made from a model; there is no workspace to audit."
        return
    audit = workspace_audit(study.content, modifier_types=get_manager().modifiers)
    kinds = ", ".join(f"{kind} ({n})" for kind, n in audit["modifier_types_used"].items())
    measurements = ", ".join(
        f"{each['name']} (parameter of interest {each['poi']}, {each['n_fixed_params']} fixed)"
        for each in audit["measurements"]
    )
    rows = [
        ("channels", str(audit["channel_count"])),
        ("samples", str(audit["total_samples"])),
        ("bins", str(audit["total_bins"])),
        ("modifiers", f"{audit['total_modifiers']}: {kinds}"),
        ("parameters", str(audit["parameter_count_estimate"])),
        ("measurements", measurements),
    ]
    yield Table(("", ""), "ll", rows)
    for warning in (*audit["problems"], *audit["warnings"]):
        yield ": ".join(filter(None, [warning["place"], warning["message"]]))


def _pulls(study: Study) -> Iterator[Block]:
    if not np.any(np.isfinite(study.fit.pulls) & ~np.array(study.fit.fixed)):
        yield "Not applicable: no free parameter has a constraint."
        return
    yield pulls_figure(study.fit, top_n=_MOST_PULLS)


def _correlation(study: Study) -> Iterator[Block]:
    matrix = study.fit.correlation
    if matrix is None:
        yield "Not shown: the fit has no covariance matrix."
        return
    known = np.flatnonzero(np.isfinite(np.diagonal(matrix)))
    if len(known) < 2:
        yield "Not applicable: fewer than two parameters have an uncertainty."
        return
    others = np.abs(matrix[np.ix_(known, known)]) - np.eye(len(known))
    large = np.count_nonzero(others.max(axis=1) >= _LARGE)
    # A small model, and one without large correlations, is shown as it is.
    yield correlation_figure(study.fit, threshold=_LARGE if large > 2 else 0.0)


def _yields(study: Study) -> Iterator[Block]:
    yield yields_table(study.prefit_yields, study.postfit_yields)
    for warning in study.postfit_yields.warnings:
        yield f"Warning: {warning}"


def _distributions(study: Study) -> Iterator[Block]:
    before, after, signal = study.prefit_yields, study.postfit_yields, study.signal
    if len(after.channels) > 1:
        yield channels_figure(before, signal=signal)
        yield channels_figure(after, prefit=before, signal=signal)
    for each in after.channels:
        if each.n_bins > 1 or len(after.channels) == 1:
            yield distribution_figure(before, each.channel, signal=signal)
            yield distribution_figure(after, each.channel, prefit=before, signal=signal)


def _goodness(study: Study) -> Iterator[Block]:
    yield study.goodness


def _discovery(study: Study) -> Iterator[Block]:
    yield study.discovery


def _cls(study: Study) -> Iterator[Block]:
    yield cls_figure(study.cls_scan, limits=study.limits, parameter=str(study.poi))


def _limits(study: Study) -> Iterator[Block]:
    yield study.limits


def _profile(study: Study) -> Iterator[Block]:
    yield profile_figure(study.profile, interval=study.interval)
    for warning in study.profile.warnings:
        yield f"Warning: {warning}"


def _ranking(study: Study) -> Iterator[Block]:
    if not len(study.impacts):
        yield "Not applicable: the model has no nuisance parameters."
        return
    yield ranking_figure(study.impacts, prefit=study.prefit_impacts, top_n=study.top_n)
    yield study.impacts


def _summary(study: Study) -> Iterator[Block]:
    fit, model = study.fit, study.model
    rows = [
        (
            "model",
            f"{len(model.ir.channels)} channels, {len(model.observed_main)} bins, "
            f"{len(model.ir.parameters)} parameters",
        ),
        ("observed events", f"{float(np.sum(model.observed_main)):.6g}"),
        ("fit", "converged" if fit.converged else f"NOT converged ({fit.termination_reason})"),
    ]
    if study.poi is not None and fit.converged:
        rows += _about_poi(study)
    goodness = study.goodness
    p = "none" if goodness.p_value is None else f"{goodness.p_value:.4g}"
    rows.append(("goodness of fit, p-value", p))
    yield Table(("", ""), "ll", rows)


def _about_poi(study: Study) -> list[tuple[str, str]]:
    down, up = study.interval.errors
    limits = study.limits
    rows = [
        (f"best fit of {study.poi}", f"{study.interval.value:.5g} ({down:+.4g}, {up:+.4g})"),
        ("significance", f"{study.discovery.z0:.4g}, expected {study.discovery.z_expected:.4g}"),
        (f"upper limit at {1.0 - limits.alpha:.0%} CL", _limit(limits.observed)),
    ]
    if limits.expected is not None:
        low, median, high = map(_limit, limits.expected[1:4].tolist())
        rows.append(("expected upper limit", f"{median}, one sigma: {low} to {high}"))
    return rows


def _limit(value: float) -> str:
    return f"{value:.5g}" if np.isfinite(value) else "none"


_POI, _FIT = frozenset({"poi"}), frozenset({"fit"})
#: Sections by name, in the order of the page.
SECTIONS: Mapping[str, Section] = {
    "summary": Section("Summary", _summary),
    "fit": Section("Fit", _fit),
    "audit": Section("Workspace", _audit),
    "pulls": Section("Pulls", _pulls, _FIT),
    "correlation": Section("Correlations", _correlation, _FIT),
    "yields": Section("Yields", _yields, _FIT),
    "distributions": Section("Distributions", _distributions, _FIT),
    "goodness": Section("Goodness of fit", _goodness, _FIT),
    "limits": Section("Upper limits", _limits, _POI),
    "cls": Section("CLs", _cls, _POI),
    "discovery": Section("Discovery", _discovery, _POI),
    "profile": Section("Profile likelihood", _profile, _POI | _FIT),
    "ranking": Section("Ranking", _ranking, _POI | _FIT),
}
