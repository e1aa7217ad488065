"""Templates to a workspace, as cabinetry builds it.

Each sample has, unless the description says otherwise, a staterror per channel with the statistical
uncertainties of its nominal template; then its normalisation factors; then its systematics. A
``NormPlusShape`` becomes a normsys with sum(v) / sum(n) and a histosys with v / (sum(v) / sum(n))
of one name, the latter only in channels of more than one bin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError, ModelError, Problem
from nextstat_core.io import read_pyhf
from nextstat_histograms.locations import TemplateKey
from nextstat_histograms.normalisation import split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextstat_histograms.description import Region, Sample, Systematic
    from nextstat_histograms.templates import TemplateSet

__all__ = ["workspace_of"]


def workspace_of(templates: TemplateSet) -> dict[str, Any]:
    """Build the workspace of treated templates.

    Raises
    ------
    ModelError
        If a normalisation cannot be split off, or the result describes no usable model; lists all
        problems at once.
    """
    builder = _Builder(templates)
    document = {
        "channels": [builder.channel(region) for region in templates.description.regions],
        "measurements": [builder.measurement()],  # after the channels: it names what acts there
        "observations": [builder.observation(region) for region in templates.description.regions],
        "version": "1.0.0",
    }
    if builder.problems:
        raise ModelError(builder.problems)
    read_pyhf(document)
    return document


class _Builder:
    """Parts of the document, and what is wrong with them."""

    def __init__(self, templates: TemplateSet) -> None:
        self.templates = templates
        self.description = templates.description
        self.problems: list[Problem] = []
        #: Names of modifiers that are not pruned everywhere.
        self.acting: set[str] = set()

    def channel(self, region: Region) -> dict[str, Any]:
        samples = self.description.samples_of(region)
        return {"name": region.name, "samples": [self.sample(region, each) for each in samples]}

    def sample(self, region: Region, sample: Sample) -> dict[str, Any]:
        nominal = self.templates[region.name, sample.name]
        modifiers: list[dict[str, Any]] = []
        if not sample.disable_staterror:
            name = "staterror_" + region.name.replace(" ", "-")
            modifiers.append({"name": name, "type": "staterror", "data": nominal.stdev.tolist()})
        modifiers += [
            {"name": factor.name, "type": "normfactor", "data": None}
            for factor in self.description.norm_factors_of(region, sample)
        ]
        for systematic in self.description.systematics_of(region, sample):
            modifiers += self.modifiers(region, sample, systematic)
        self.acting |= {modifier["name"] for modifier in modifiers}
        return {"name": sample.name, "data": nominal.values.tolist(), "modifiers": modifiers}

    def modifiers(
        self, region: Region, sample: Sample, systematic: Systematic
    ) -> Iterator[dict[str, Any]]:
        if systematic.type == "Normalization":
            up, down = systematic.up.normalization, systematic.down.normalization
            norm = {"hi": 1.0 + (up or 0.0), "lo": 1.0 + (down or 0.0)}
            shape = None
        else:
            try:
                norm, shape = self._split(region, sample, systematic)
            except InputError as error:
                place = TemplateKey(region.name, sample.name, systematic.name)
                message, _, _ = str(error).partition("\n")
                self.problems.append(Problem(str(place), message, error.hint))
                return
        names = (region.name, sample.name, systematic.name)
        if (*names, "normalisation") not in self.templates.pruned:
            yield {"name": systematic.modifier, "type": "normsys", "data": norm}
        if shape is not None and (*names, "shape") not in self.templates.pruned:
            yield {"name": systematic.modifier, "type": "histosys", "data": shape}

    def _split(
        self, region: Region, sample: Sample, systematic: Systematic
    ) -> tuple[dict[str, float], dict[str, list[float]] | None]:
        nominal, up, down = self.templates.triple(region, sample, systematic)
        (factor_up, shape_up), (factor_down, shape_down) = split(nominal, up), split(nominal, down)
        norm = {"hi": factor_up, "lo": factor_down}
        if nominal.n_bins == 1:  # one bin has no shape
            return norm, None
        return norm, {"hi_data": shape_up.tolist(), "lo_data": shape_down.tolist()}

    def measurement(self) -> dict[str, Any]:
        general = self.description.general
        fixed = {each.name: each.value for each in general.fixed}
        parameters = []
        for factor in self.description.norm_factors:
            entry: dict[str, Any] = {"name": factor.name}
            start = fixed.get(factor.name, factor.nominal)
            if start is not None:
                entry["inits"] = [start]
            if factor.bounds is not None:
                entry["bounds"] = [list(factor.bounds)]
            if factor.name in fixed:
                entry["fixed"] = True
            parameters.append(entry)
        parameters += [
            {"name": name, "inits": [fixed[name]], "fixed": True}
            for name in dict.fromkeys(each.modifier for each in self.description.systematics)
            if name in fixed and name in self.acting
        ]
        return {
            "name": general.measurement,
            "config": {"poi": general.poi, "parameters": parameters},
        }

    def observation(self, region: Region) -> dict[str, Any]:
        data = self.templates[region.name, self.description.data.name]
        return {"name": region.name, "data": data.values.tolist()}
