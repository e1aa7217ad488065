"""Figures as plain data, for any renderer: the schema ``nextstat.figure.v1``.

A figure has one panel, and perhaps a second one below that shares its horizontal axis. A panel has
axes and series. What a series means is its `role`, such as ``observed`` or ``expected``; colours
and fonts are the renderer's business.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from nextstat_core.typing import ArrayLike

__all__ = [
    "SCHEMA_VERSION",
    "Axis",
    "Band",
    "Boxes",
    "FigureSpec",
    "HLine",
    "Line",
    "Matrix",
    "Panel",
    "Points",
    "Series",
    "Steps",
    "VLine",
    "figure_schema",
]

SCHEMA_VERSION = "nextstat.figure.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis.

    Attributes
    ----------
    label, unit : str
    scale : {"linear", "log"}
    limits : (float, float), optional
        What is visible; left out, all that is drawn.
    ticks : tuple of (float, str)
        Positions with texts, such as names of parameters; empty for an axis of numbers.
    """

    label: str = ""
    unit: str = ""
    scale: Literal["linear", "log"] = "linear"
    limits: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what was left out is absent."""
        plain: dict[str, Any] = {"label": self.label, "scale": self.scale}
        if self.unit:
            plain["unit"] = self.unit
        if self.limits is not None:
            plain["limits"] = list(map(float, self.limits))
        if self.ticks:
            plain["ticks"] = [{"at": float(at), "text": text} for at, text in self.ticks]
        return plain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Series:
    """What all series have.

    Attributes
    ----------
    label : str
        Text in the legend; empty for none.
    role : str
        What it stands for; the renderer chooses the looks.
    axis : {"x", "x2"}
        Horizontal axis that it belongs to.
    """

    kind: ClassVar[str]

    label: str = ""
    role: str = ""
    axis: Literal["x", "x2"] = "x"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; null stands for what is not finite, and what is empty is absent."""
        plain: dict[str, Any] = {"kind": self.kind}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                plain[entry.name] = _numbers(value)
            elif isinstance(value, float) or value:
                plain[entry.name] = value
        return plain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line(_Series):
    """A line through points; it is interrupted where a value is not finite."""

    kind: ClassVar[str] = "line"
    x: Any
    y: Any

    def __post_init__(self) -> None:
        _as_arrays(self, "x", "y")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band(_Series):
    """The area between two lines."""

    kind: ClassVar[str] = "band"
    x: Any
    y_lo: Any
    y_hi: Any

    def __post_init__(self) -> None:
        _as_arrays(self, "x", "y_lo", "y_hi")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points(_Series):
    """Markers with bars; ends of bars are positions, absent for no bars."""

    kind: ClassVar[str] = "points"
    x: Any
    y: Any
    x_lo: Any = None
    x_hi: Any = None
    y_lo: Any = None
    y_hi: Any = None

    def __post_init__(self) -> None:
        given = (
            name for name in ("x_lo", "x_hi", "y_lo", "y_hi") if getattr(self, name) is not None
        )
        _as_arrays(self, "x", "y", *given)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boxes(_Series):
    """Rectangles."""

    kind: ClassVar[str] = "boxes"
    x_lo: Any
    x_hi: Any
    y_lo: Any
    y_hi: Any

    def __post_init__(self) -> None:
        _as_arrays(self, "x_lo", "x_hi", "y_lo", "y_hi")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps(_Series):
    """Columns of a histogram with n + 1 `edges`, from `y_lo` to `y_hi`, shape (n,)."""

    kind: ClassVar[str] = "steps"
    edges: Any
    y_lo: Any
    y_hi: Any

    def __post_init__(self) -> None:
        _as_arrays(self, "edges", "y_lo", "y_hi")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix(_Series):
    """Cells centred at whole numbers; row i is at y = i. `limits` are those of the colours."""

    kind: ClassVar[str] = "matrix"
    values: Any
    limits: tuple[float, float]

    def __post_init__(self) -> None:
        _as_arrays(self, "values")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VLine(_Series):
    """A vertical line over the whole panel."""

    kind: ClassVar[str] = "vline"
    x: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HLine(_Series):
    """A horizontal line over the whole panel."""

    kind: ClassVar[str] = "hline"
    y: float


Series: TypeAlias = Line | Band | Points | Boxes | Steps | Matrix | VLine | HLine


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Axes and what is drawn in them; `x2` is a second horizontal axis, at the top."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    x2: Axis | None = None

    def to_dict(self) -> dict[str, Any]:
        axes = {"x": self.x.to_dict(), "y": self.y.to_dict()}
        if self.x2 is not None:
            axes["x2"] = self.x2.to_dict()
        return {"axes": axes, "series": [each.to_dict() for each in self.series]}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FigureSpec:
    """A figure.

    Attributes
    ----------
    name : str
        What kind of figure it is, such as ``cls`` or ``ranking``.
    title, subtitle : str
    description : str
        What it shows, in a sentence: for readers that cannot see it.
    panel : Panel
    below : Panel or None
        Shares the horizontal axis, such as a ratio.
    notes : tuple of str
        Lines of text inside the figure.
    """

    name: str
    title: str
    panel: Panel
    description: str
    subtitle: str = ""
    below: Panel | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; the same figure gives the same bytes."""
        plain: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "title": self.title,
            "description": self.description,
        }
        if self.subtitle:
            plain["subtitle"] = self.subtitle
        plain |= self.panel.to_dict()
        if self.below is not None:
            plain["below"] = self.below.to_dict()
        if self.notes:
            plain["notes"] = list(self.notes)
        return plain


def figure_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `FigureSpec.to_dict`."""
    text = (files("nextstat_viz") / "figure.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _as_arrays(series: _Series, *names: str) -> None:
    for name in names:
        array = np.array(getattr(series, name), dtype=np.float64)
        array.flags.writeable = False
        object.__setattr__(series, name, array)


def _numbers(values: ArrayLike) -> list[Any]:
    array = np.asarray(values)
    if array.ndim > 1:
        return [_numbers(row) for row in array]
    return [float(value) if np.isfinite(value) else None for value in array]
