"""All templates of an analysis, before and after each treatment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from nextstat_core.errors import InputError, ModelError, Problem
from nextstat_histograms.effects import Effects, Thresholds
from nextstat_histograms.locations import TemplateKey
from nextstat_histograms.negative_bins import raise_bins
from nextstat_histograms.smoothing import smooth
from nextstat_histograms.steps import Change, Step
from nextstat_histograms.symmetrisation import same_sided_bins, symmetrise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from os import PathLike
    from pathlib import Path

    from nextstat_histograms.description import Description, Region, Sample, Systematic
    from nextstat_histograms.histogram import Histogram
    from nextstat_histograms.smoothing import SmoothingAlgorithm
    from nextstat_histograms.symmetrisation import SymmetrisationMethod

__all__ = ["Part", "TemplateSet"]

#: What of a systematic may be pruned.
Part: TypeAlias = Literal["normalisation", "shape"]
_Where: TypeAlias = "tuple[Region, Sample, Systematic]"


@dataclass(frozen=True, slots=True, eq=False)
class TemplateSet:
    """Templates of all regions, samples and variations, and how they came to be.

    Treatments return a new set; `before` is the one that they started from. A template is
    ``templates["SR", "ttbar"]`` or ``templates["SR", "ttbar", "jes", "Up"]``.

    Attributes
    ----------
    description : Description
    histograms : mapping of TemplateKey to Histogram
    pruned : frozenset of (region, sample, systematic, part)
        What `workspace` leaves out.
    step : Step
        What was done last.
    before : TemplateSet or None
        The set before that.
    """

    description: Description
    histograms: Mapping[TemplateKey, Histogram]
    step: Step
    pruned: frozenset[tuple[str, str, str, str]] = frozenset()
    before: TemplateSet | None = None

    def __getitem__(self, key: tuple[str, ...]) -> Histogram:
        parts = key if isinstance(key, tuple) else (key,)
        wanted = TemplateKey(*parts) if len(parts) in (2, 4) else None
        if wanted is None or wanted not in self.histograms:
            known = [str(tuple(filter(None, each))) for each in self.histograms]
            raise InputError.unknown("template", parts, known)
        return self.histograms[wanted]

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, the first one first."""
        earlier = () if self.before is None else self.before.steps
        return (*earlier, self.step)

    def report(self) -> list[dict[str, Any]]:
        """All steps, as JSON can hold them."""
        return [step.to_dict() for step in self.steps]

    def __repr__(self) -> str:
        return "\n".join([f"{len(self.histograms)} templates", *map(str, self.steps)])

    # -- treatments ------------------------------------------------------------------------------

    def treated(self) -> TemplateSet:
        """Do what the description asks for, in the order of cabinetry.

        Negative bins first, then smoothing, symmetrisation, and pruning.
        """
        general = self.description.general
        treated = self
        if general.negative_bins is not None:
            treated = treated.without_negative_bins(
                general.negative_bins.floor, keep_sum=general.negative_bins.keep_sum
            )
        if any(systematic.smoothing for systematic in self.description.systematics):
            treated = treated.smoothed()
        if any(_method(systematic) for systematic in self.description.systematics):
            treated = treated.symmetrised()
        if general.pruning is not None:
            treated = treated.pruned_below(
                normalisation=general.pruning.normalization, shape=general.pruning.shape
            )
        return treated

    def without_negative_bins(self, floor: float = 0.0, *, keep_sum: bool = False) -> TemplateSet:
        """Raise yields below `floor` to it, in all simulated templates; see `raise_bins`."""

        def treat(key: TemplateKey, template: Histogram) -> Histogram:
            del key
            return raise_bins(template, floor, keep_sum=keep_sum)

        simulated = [key for key in self.histograms if key.sample != self.description.data.name]
        options = {"floor": floor, "keep_sum": keep_sum}
        return self._changed(Step("negative bins", options), "raised", simulated, treat)

    def smoothed(
        self,
        algorithm: SmoothingAlgorithm | None = None,
        *,
        bandwidth: float = 1.0,
        systematics: tuple[str, ...] | None = None,
    ) -> TemplateSet:
        """Smooth variations; see `smooth`.

        Parameters
        ----------
        algorithm : {"353QH, twice", "kernel"}, optional
            For all variations. Left out, each gets the smoothing that the description says.
        bandwidth : float
            Of the kernel, in bins.
        systematics : tuple of str, optional
            Names of those whose variations are smoothed; all, if left out.
        """
        chosen: dict[TemplateKey, tuple[SmoothingAlgorithm, float]] = {}
        for region, sample, systematic in self._variations(systematics):
            how = (algorithm, bandwidth) if algorithm is not None else None
            told = self.description.smoothing_of(region, sample, systematic)
            if algorithm is None and told is not None:
                how = (told.algorithm, told.bandwidth)
            for direction in ("Up", "Down"):
                key = TemplateKey(region.name, sample.name, systematic.name, direction)
                if how is not None and key in self.histograms:
                    chosen[key] = how

        def treat(key: TemplateKey, template: Histogram) -> Histogram:
            how, width = chosen[key]
            return smooth(self.histograms[key.nominal], template, how, bandwidth=width)

        options = {"algorithm": algorithm or "as described"}
        return self._changed(Step("smooth", options), "smoothed", list(chosen), treat)

    def symmetrised(
        self,
        method: SymmetrisationMethod | None = None,
        *,
        systematics: tuple[str, ...] | None = None,
    ) -> TemplateSet:
        """Make up and down variations symmetric; see `symmetrise`.

        Parameters
        ----------
        method : {"onesided", "twosided", "absmean", "maximum", "split"}, optional
            For all systematics. Left out, each gets what the description says.
        systematics : tuple of str, optional
            Names of those that are symmetrised; all, if left out.
        """
        histograms = dict(self.histograms)
        changes: list[Change] = []
        problems: list[Problem] = []
        for region, sample, systematic in self._variations(systematics):
            how = method or _method(systematic)
            if how is None or systematic.type == "Normalization":
                continue
            keys = [
                TemplateKey(region.name, sample.name, systematic.name, direction)
                for direction in ("Up", "Down")
            ]
            nominal = histograms[keys[0].nominal]
            before = [self.histograms.get(key) for key in keys]
            try:
                after = symmetrise(nominal, before[0], before[1], how)
            except InputError as error:
                problems.append(_problem(keys[0], error))
                continue
            histograms.update(zip(keys, after, strict=True))
            changes += _symmetrised(keys, before, after, nominal, how)
        if problems:
            raise ModelError(problems)
        step = Step("symmetrise", {"method": method or "as described"}, tuple(changes))
        return replace(self, histograms=histograms, step=step, before=self)

    def pruned_below(self, *, normalisation: float = 0.0, shape: float = 0.0) -> TemplateSet:
        """Leave out effects on normalisation and shape that are below a threshold.

        See `Effects` for what is compared. The templates stay; `workspace` leaves out the parts.
        """
        thresholds = Thresholds(normalisation, shape)
        pruned = set(self.pruned)
        changes = []
        for where in self._variations(None):
            region, sample, systematic = where
            place = TemplateKey(region.name, sample.name, systematic.name)
            effects = self._effects(where)
            parts = effects.pruned(thresholds)
            if systematic.type == "Normalization" or self.histograms[place.nominal].n_bins == 1:
                parts -= {"shape"}  # there is none
            pruned |= {(*place[:3], part) for part in parts}
            details = {"normalisation": effects.normalisation, "shape": effects.shape}
            action = f"pruned: {', '.join(sorted(parts))}" if parts else "kept"
            changes.append(Change(str(place), action, details))
        options = {"normalisation": normalisation, "shape": shape}
        step = Step("prune", options, tuple(changes))
        return replace(self, pruned=frozenset(pruned), step=step, before=self)

    def _effects(self, where: _Where) -> Effects:
        region, sample, systematic = where
        if systematic.type == "Normalization":
            sizes = (systematic.up.normalization, systematic.down.normalization)
            # Up or down, the shape stays what it is.
            return Effects(max(abs(size) for size in sizes if size is not None), 0.0)
        nominal, up, down = self.triple(region, sample, systematic)
        try:
            return Effects.of(nominal, up, down)
        except InputError as error:
            key = TemplateKey(region.name, sample.name, systematic.name)
            raise ModelError([_problem(key, error)]) from error

    def triple(
        self, region: Region, sample: Sample, systematic: Systematic
    ) -> tuple[Histogram, Histogram, Histogram]:
        """Nominal template, and the variations up and down.

        Raises
        ------
        InputError
            If one of them is missing, because it was not symmetrised.
        """
        key = TemplateKey(region.name, sample.name, systematic.name, "Up")
        keys = (key.nominal, key, key._replace(direction="Down"))
        for each in keys:
            if each not in self.histograms:
                raise InputError(
                    f"{each}: there is no such template yet", hint="symmetrise the templates first"
                )
        return self.histograms[keys[0]], self.histograms[keys[1]], self.histograms[keys[2]]

    def _variations(self, systematics: tuple[str, ...] | None) -> Iterator[_Where]:
        """Where systematics act, of all names or of some."""
        names = [systematic.name for systematic in self.description.systematics]
        for name in systematics or ():
            if name not in names:
                raise InputError.unknown("systematic", name, names)
        for region in self.description.regions:
            for sample in self.description.samples_of(region):
                for systematic in self.description.systematics_of(region, sample):
                    if systematics is None or systematic.name in systematics:
                        yield region, sample, systematic

    def _changed(
        self,
        step: Step,
        action: str,
        keys: list[TemplateKey],
        treat: Callable[[TemplateKey, Histogram], Histogram],
    ) -> TemplateSet:
        """Treat the templates `keys` one by one; all problems are raised at once."""
        histograms = dict(self.histograms)
        changes: list[Change] = []
        problems: list[Problem] = []
        for key in keys:
            before = self.histograms[key]
            try:
                after = treat(key, before)
            except InputError as error:
                problems.append(_problem(key, error))
                continue
            if not np.array_equal(before.values, after.values):
                histograms[key] = after
                changes.append(Change.of(str(key), action, before, after))
        if problems:
            raise ModelError(problems)
        step = replace(step, changes=tuple(changes))
        return replace(self, histograms=histograms, step=step, before=self)

    # -- what comes out --------------------------------------------------------------------------

    def workspace(self) -> dict[str, Any]:
        """The workspace in pyhf's JSON format, see `workspace_of`.

        Raises
        ------
        ModelError
            If a normalisation cannot be split off, or the workspace describes no usable model.
        """
        from nextstat_histograms.workspace import workspace_of

        return workspace_of(self)

    def save(self, folder: str | PathLike[str]) -> list[Path]:
        """Write one ``.npz`` file per template, as cabinetry does: yields, stdev, bins.

        The templates of the first step are ``Region_Sample_Systematic_Direction.npz``, the present
        ones ``..._modified.npz``.

        Returns
        -------
        list of Path
        """
        from nextstat_histograms.npz_files import save_templates

        first = self
        while first.before is not None:
            first = first.before
        return save_templates(folder, {"": first.histograms, "_modified": self.histograms})


def _method(systematic: Systematic) -> SymmetrisationMethod | None:
    """``Symmetrize`` of one variation stands for what cabinetry does."""
    if systematic.symmetrisation is not None:
        return systematic.symmetrisation
    return "split" if systematic.up.symmetrize or systematic.down.symmetrize else None


def _problem(key: TemplateKey, error: InputError) -> Problem:
    return Problem(str(key), str(error).partition("\n")[0], error.hint)


def _symmetrised(
    keys: list[TemplateKey],
    before: list[Histogram | None],
    after: tuple[Histogram, Histogram],
    nominal: Histogram,
    method: str,
) -> list[Change]:
    details: dict[str, Any] = {"method": method}
    if before[0] is not None and before[1] is not None:
        details["same_sided_bins"] = same_sided_bins(nominal, before[0], before[1])
    changes = []
    for key, old, new in zip(keys, before, after, strict=True):
        if old is None or not np.array_equal(old.values, new.values):
            change = Change.of(str(key), "symmetrised", old, new)
            changes.append(replace(change, details={**change.details, **details}))
    return changes
