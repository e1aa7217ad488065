"""How figures look: themes that physicists know, and what is written about the experiment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SAMPLE_COLOURS", "THEMES", "Style", "Theme", "as_style"]

#: Distinguishable without red or green (Petroff, arXiv:2107.02270, set of ten).
SAMPLE_COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
_SANS = ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"]
_TICKS_INSIDE = {
    **{f"{axis}tick.direction": "in" for axis in "xy"},
    **{f"{axis}tick.minor.visible": True for axis in "xy"},
    "xtick.top": True,
    "ytick.right": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Looks that do not depend on the figure.

    Attributes
    ----------
    settings : mapping
        Of matplotlib.
    bands : (str, str)
        Colours of one and two standard deviations.
    label_inside : bool
        Whether the experiment's label is inside the axes.
    label_font, status_font : mapping
        Fonts of the experiment's name, and of what follows it.
    """

    settings: Mapping[str, Any]
    # Green and yellow that differ in lightness too, for readers who see no colours.
    bands: tuple[str, str] = ("#53b862", "#ffe476")
    label_inside: bool = False
    label_font: Mapping[str, Any] = field(default_factory=lambda: {"weight": "bold"})
    status_font: Mapping[str, Any] = field(default_factory=dict)


_COMMON: Mapping[str, Any] = {
    "font.size": 10.0,
    "axes.linewidth": 0.8,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": "small",
    "svg.hashsalt": "nextstat",
}
THEMES: Mapping[str, Theme] = {
    "plain": Theme(settings=_COMMON),
    "atlas": Theme(
        settings={
            **_COMMON,
            **_TICKS_INSIDE,
            "font.family": "sans-serif",
            "font.sans-serif": _SANS,
        },
        label_inside=True,
        label_font={"weight": "bold", "style": "italic"},
    ),
    "cms": Theme(
        settings={
            **_COMMON,
            **_TICKS_INSIDE,
            "font.family": "sans-serif",
            "font.sans-serif": _SANS,
        },
        bands=("#607641", "#f5bb54"),
        status_font={"style": "italic"},
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A theme, and what is written about the experiment.

    Attributes
    ----------
    theme : {"plain", "atlas", "cms"}
    experiment, status : str
        Such as ``ATLAS`` and ``Internal``; nothing is written that is not given.
    luminosity : float, optional
        In inverse femtobarn.
    energy : float, optional
        In TeV, in the centre of mass.
    """

    theme: str = "plain"
    experiment: str = ""
    status: str = ""
    luminosity: float | None = None
    energy: float | None = None

    def __post_init__(self) -> None:
        if self.theme not in THEMES:
            raise InputError.unknown("style", self.theme, list(THEMES))

    @property
    def conditions(self) -> str:
        """Energy and luminosity as text with formulas."""
        parts = []
        if self.energy is not None:
            parts.append(rf"$\sqrt{{s}}$ = {self.energy:g} TeV")
        if self.luminosity is not None:
            parts.append(rf"{self.luminosity:g} fb$^{{-1}}$")
        return ", ".join(parts)


def as_style(style: str | Style) -> Style:
    """A style from the name of its theme, or as it is.

    Raises
    ------
    InputError
        If there is no such theme.
    """
    return style if isinstance(style, Style) else Style(theme=style)
