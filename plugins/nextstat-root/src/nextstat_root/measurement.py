"""The ``<Measurement>`` of an XML file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import closest
from nextstat_core.ir import ConstraintChoice, ConstraintKind
from nextstat_root.findings import Findings, Tag
from nextstat_root.names import parameter_called

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from nextstat_root.conventions import Conventions
    from nextstat_root.drafts import Drafts

__all__ = ["Measurement", "choose_measurement"]

_ATTRIBUTES = ("Name", "Lumi", "LumiRelErr", "BinLow", "BinHigh", "Mode", "ExportOnly")
_CHILDREN = ("POI", "ParamSetting", "ConstraintTerm", "Asimov")
#: Kinds of constraints by their names in XML.
_KINDS: Mapping[str, ConstraintKind] = {
    "Gamma": "gamma",
    "LogNormal": "lognormal",
    "Uniform": "uniform",
    "NoConstraint": "none",
    "NoSyst": "none",
}
_WITH_UNCERTAINTY = ("gamma", "lognormal")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement.

    Attributes
    ----------
    tag : Tag
        Its element.
    name : str
        As written.
    poi : str or None
        The parameter of interest as written, None where there is none.
    luminosity, uncertainty : float
        Nominal luminosity and its absolute uncertainty, in the unit in which XML gives them.
    """

    tag: Tag
    name: str
    poi: str | None
    luminosity: float
    uncertainty: float

    def poi_name(self, groups: Mapping[str, tuple[int, ...]]) -> str | None:
        """The parameter of interest as the model calls it."""
        return None if self.poi is None else parameter_called(self.poi, groups) or self.poi

    def apply(
        self, drafts: Drafts, groups: Mapping[str, tuple[int, ...]], conventions: Conventions
    ) -> None:
        """Add what the measurement says about parameters to `drafts`.

        Parameters
        ----------
        drafts : Drafts
            Settings that the channels brought.
        groups : mapping of str to tuple of int
            Modifiers of the model, see `parameter_called`.
        conventions : Conventions
            Whether constraint terms count.
        """
        if "lumi" in groups:
            bounds = conventions.luminosity_bounds(self.luminosity, self.uncertainty)
            drafts.update(
                "lumi",
                inits=(self.luminosity,),
                bounds=(bounds,),
                auxdata=(self.luminosity,),
                sigmas=(self.uncertainty,),
            )
        for element in self.tag.element:
            tag = Tag(element, f"{self.tag.place}, <{element.tag}>", self.tag.findings)
            if element.tag == "ParamSetting":
                _apply_setting(tag, drafts, groups)
            elif element.tag == "ConstraintTerm":
                _apply_constraint(tag, drafts, groups, conventions)


def choose_measurement(root: Element, name: str | None, findings: Findings) -> Measurement | None:
    """Take the measurement called `name`, or the first one of the file."""
    elements = root.findall("Measurement")
    names = [element.get("Name", "") for element in elements]
    for repeated, count in Counter(names).items():
        if count > 1:
            findings.refuse(f"measurement {repeated!r}", f"{count} have this name; expected one")
    if not elements:
        findings.refuse("", "the file has no <Measurement>; expected at least one")
        return None
    if name is not None and name not in names:
        message = f"the file has none of this name; expected {', '.join(map(repr, names))}"
        findings.refuse(f"measurement {name!r}", message, closest(str(name), names))
        return None
    if name is None and len(names) > 1:
        listed = ", ".join(map(repr, names))
        findings.warn("measurements", f"there are {listed} and none was chosen; the first is used")
    return _read(elements[0 if name is None else names.index(name)], findings)


def _read(element: Element, findings: Findings) -> Measurement:
    name = element.get("Name", "")
    tag = Tag(element, f"measurement {name!r}", findings)
    tag.only(_ATTRIBUTES)
    for key in ("BinLow", "BinHigh"):
        if key in element.attrib:
            findings.warn(tag.place, f"{key} is ignored, as ROOT ignores it; all bins are used")
    for child in element:
        if child.tag not in _CHILDREN:
            hint = closest(str(child.tag), _CHILDREN)
            findings.refuse(tag.place, f"<{child.tag}> is not known", hint)
        elif child.tag == "Asimov":
            findings.warn(tag.place, "<Asimov> describes further data; it is ignored")
    luminosity = tag.number("Lumi", 1.0)
    relative = tag.number("LumiRelErr", 0.1)
    if luminosity <= 0.0:
        findings.refuse(tag.place, f"Lumi is {luminosity:g}; expected more than 0")
    if relative < 0.0:
        findings.refuse(tag.place, f"LumiRelErr is {relative:g}; expected 0 or more")
    return Measurement(tag, name, _poi(tag), luminosity, luminosity * relative)


def _poi(tag: Tag) -> str | None:
    names = [name for poi in tag.element.findall("POI") for name in (poi.text or "").split()]
    if not names:
        tag.findings.warn(tag.place, "there is no parameter of interest")
        return None
    if len(names) > 1:
        tag.findings.warn(
            tag.place,
            f"there are {len(names)} parameters of interest; {names[0]!r} is taken, "
            f"{', '.join(map(repr, names[1:]))} stay ordinary parameters",
        )
    return names[0]


def _apply_setting(tag: Tag, drafts: Drafts, groups: Mapping[str, tuple[int, ...]]) -> None:
    tag.only(("Const", "Val"))
    settings: dict[str, Any] = {}
    if "Const" in tag.element.attrib:
        settings["fixed"] = tag.flag("Const", default=False)
    value = tag.number("Val") if "Val" in tag.element.attrib else None
    for name in tag.words():
        target = parameter_called(name, groups)
        if target is None:
            tag.findings.warn(tag.place, f"the model has no {name!r}", closest(name, groups))
            continue
        if value is not None:
            settings["inits"] = (value,) * prod(groups.get(target, ()))
        drafts.update(target, **settings)


def _apply_constraint(
    tag: Tag,
    drafts: Drafts,
    groups: Mapping[str, tuple[int, ...]],
    conventions: Conventions,
) -> None:
    tag.only(("Type", "RelativeUncertainty"))
    written = tag.element.get("Type", "")
    if written not in _KINDS:
        hint = closest(written, _KINDS)
        tag.findings.refuse(
            tag.place, f"Type is {written!r}; expected one of {', '.join(_KINDS)}", hint
        )
        return
    kind = _KINDS[written]
    relative = tag.number("RelativeUncertainty") if kind in _WITH_UNCERTAINTY else None
    if relative is not None and relative <= 0.0:
        tag.findings.refuse(tag.place, f"RelativeUncertainty is {relative:g}; expected more than 0")
    for name in tag.words():
        target = parameter_called(name, groups)
        if target is None:
            tag.findings.warn(tag.place, f"the model has no {name!r}", closest(name, groups))
        elif not conventions.constraint_types:
            tag.findings.warn(tag.place, f"pyhf ignores this constraint; {name!r} stays Gaussian")
        else:
            drafts.update(target, constraint=ConstraintChoice(kind, relative))
