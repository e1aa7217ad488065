"""The ``<Channel>`` of an XML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import hypot
from typing import TYPE_CHECKING

from nextstat_core.errors import closest
from nextstat_core.ir import Channel, ConstraintChoice, StatError
from nextstat_core.ir.place import at_channel, at_sample
from nextstat_root.findings import Findings, Tag
from nextstat_root.samples import BINWISE_CONSTRAINTS, Here, SampleReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from nextstat_core.io.interpolation import Interpolations
    from nextstat_core.ir import Sample
    from nextstat_root.conventions import Conventions
    from nextstat_root.drafts import Drafts
    from nextstat_root.store import HistogramStore

__all__ = ["ChannelReader"]

_ATTRIBUTES = ("Name", "InputFile", "HistoPath", "HistoName")
_CHILDREN = ("Data", "StatErrorConfig", "Sample")
#: ROOT's defaults since 6.22.
_CONSTRAINT, _THRESHOLD = ConstraintChoice("poisson"), 0.05


@dataclass(slots=True)
class ChannelReader:
    """Reads channels.

    Attributes
    ----------
    store : HistogramStore
        The histograms.
    drafts : Drafts
        Takes what channels say about parameters.
    luminosity : float
        Nominal luminosity of the measurement.
    functions : mapping of str to str
        Expressions that the file defines, by name.
    groups : dict of str to tuple of int
        Modifiers that were read: those with one parameter to the empty tuple, bin-wise ones to the
        number of bins by axis.
    without_data : list of str
        Channels that name no data; their observed counts are zeros.
    """

    store: HistogramStore
    conventions: Conventions
    codes: Interpolations
    findings: Findings
    drafts: Drafts
    luminosity: float
    functions: Mapping[str, str]
    groups: dict[str, tuple[int, ...]] = field(default_factory=dict)
    without_data: list[str] = field(default_factory=list)

    def channel(self, file: str, element: Element) -> Channel | None:
        """Read the channel that the XML file `file` holds; None where something is missing."""
        name = element.get("Name", "")
        tag = Tag(element, at_channel(name) if name else repr(file), self.findings)
        tag.needed("Name")
        tag.only(_ATTRIBUTES)
        for child in element:
            if child.tag not in _CHILDREN:
                hint = closest(str(child.tag), _CHILDREN)
                self.findings.refuse(tag.place, f"<{child.tag}> is not known", hint)
        samples = [self._sample(tag, child) for child in element.findall("Sample")]
        complete = tuple(sample for sample in samples if sample is not None)
        if not samples:
            self.findings.refuse(tag.place, "has no samples; expected at least one")
        n_bins = len(complete[0].nominal) if complete else 0
        observed = self._observed(tag, n_bins)
        if observed is None or not complete or len(complete) < len(samples):
            return None
        if self.conventions.statistics:
            self._statistics(tag, complete)
        return Channel(name, complete, observed)

    def _sample(self, channel: Tag, element: Element) -> Sample | None:
        name = element.get("Name", "")
        tag = Tag(element, at_sample(channel.element.get("Name", ""), name), self.findings)
        here = Here(
            channel=channel.element.get("Name", ""),
            tag=tag,
            file=tag.text("InputFile", channel.text("InputFile")),
            folder=element.get("HistoPath", channel.text("HistoPath")),
        )
        return SampleReader(self, here).sample()

    def _observed(self, tag: Tag, n_bins: int) -> tuple[float, ...] | None:
        data = [child for child in tag.element.findall("Data") if not child.get("Name")]
        if len(data) < len(tag.element.findall("Data")):
            self.findings.warn(tag.place, "further data sets have names; they are ignored")
        if len(data) > 1:
            self.findings.refuse(tag.place, f"has {len(data)} <Data>; expected one")
        here = Tag(data[0], f"{tag.place}, data", self.findings) if data else None
        if here is None or not here.text("HistoName"):
            self.without_data.append(tag.element.get("Name", ""))
            return (0.0,) * n_bins
        here.only(("Name", "InputFile", "HistoPath", "HistoName"))
        histogram = self.store.histogram(
            here.place,
            here.text("InputFile", tag.text("InputFile")),
            here.element.get("HistoPath", tag.text("HistoPath")),
            here.text("HistoName"),
        )
        return None if histogram is None else tuple(histogram.contents().tolist())

    def _statistics(self, channel: Tag, samples: tuple[Sample, ...]) -> None:
        """Type of constraint and threshold of the statistical errors.

        Below the threshold a bin's factor stays at 1; the uncertainty is that of the sum of the
        samples with statistical errors, relative to it.
        """
        choice, threshold = self._statistics_settings(channel)
        carriers = [
            (sample.nominal, modifier)
            for sample in samples
            for modifier in sample.modifiers
            if isinstance(modifier, StatError)
        ]
        if not carriers:
            return
        _, first = carriers[0]
        if choice.kind != "gaussian":
            self.drafts.update(first.name, constraint=choice)
        for index, component in enumerate(first.parameters):
            # Samples of other lengths are a problem that is found later.
            cells = [
                (nominal[index], modifier.uncertainties[index])
                for nominal, modifier in carriers
                if index < min(len(nominal), len(modifier.uncertainties))
            ]
            total = sum(nominal for nominal, _ in cells)
            error = hypot(*(uncertainty for _, uncertainty in cells))
            if total > 0.0 and 0.0 < error / total < threshold:
                self.drafts.update(component, fixed=True)

    def _statistics_settings(self, channel: Tag) -> tuple[ConstraintChoice, float]:
        elements = channel.element.findall("StatErrorConfig")
        if len(elements) > 1:
            message = f"has {len(elements)} <StatErrorConfig>; expected one"
            self.findings.refuse(channel.place, message)
        if not elements:
            return _CONSTRAINT, _THRESHOLD
        tag = Tag(elements[0], f"{channel.place}, <StatErrorConfig>", self.findings)
        tag.only(("RelErrorThreshold", "ConstraintType"))
        threshold = tag.number("RelErrorThreshold", _THRESHOLD)
        written = tag.text("ConstraintType", "Poisson")
        kind = BINWISE_CONSTRAINTS.get(written)
        if kind is None:
            message = f"ConstraintType is {written!r}; expected Gaussian or Poisson"
            self.findings.refuse(tag.place, message)
        return ConstraintChoice(kind or "poisson"), threshold
