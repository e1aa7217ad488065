"""From a study to one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import io
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError, NextstatError
from nextstat_core.tables import Table
from nextstat_viz.figure import FigureSpec
from nextstat_viz.rendering import render
from nextstat_viz.report.sections import SECTIONS, Section
from nextstat_viz.report.study import Study
from nextstat_viz.style import as_style

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import jinja2

    from nextstat_core.models import HistFactoryModel
    from nextstat_viz.style import Style

__all__ = ["Report", "make_report", "report_on"]


@dataclass(frozen=True, slots=True)
class Report:
    """A page, and how it went.

    Attributes
    ----------
    html : str
    converged : bool
        Whether the fit did.
    failures : tuple of str
        Sections that could not be made, with the reason; the page says the same.
    seconds : dict of str to float
        How long each section took, and `drawing` all figures.
    """

    html: str
    converged: bool
    failures: tuple[str, ...]
    seconds: dict[str, float]

    @property
    def complaints(self) -> tuple[str, ...]:
        """Why the page is not complete; empty if it is."""
        fit = () if self.converged else ("the fit did not converge",)
        return (*fit, *self.failures)


@dataclass(slots=True)
class _Part:
    """One section on the page."""

    name: str
    title: str
    blocks: list[str] = field(default_factory=list)


def make_report(
    model: HistFactoryModel,
    *,
    content: Any = None,
    title: str = "",
    source: str = "",
    sections: Iterable[str] | None = None,
    style: str | Style = "plain",
    alpha: float = 0.05,
    top_n: int = 20,
) -> Report:
    """Fit a model, and describe it on one self-contained page of HTML.

    The page makes no request: figures are inside, there are no scripts and no fonts. A section that
    does not apply says why.

    Parameters
    ----------
    model : HistFactoryModel
    content : str, bytes or mapping, optional
        The workspace, for its audit.
    title, source : str
        Heading, and where the workspace comes from.
    sections : iterable of str, optional
        Keys of `SECTIONS`; all if left out. The provenance is always there.
    style : str or Style
        See `render`.
    alpha : float
        One minus the confidence level of limits.
    top_n : int
        How many parameters the ranking shows.

    Raises
    ------
    InputError
        For a section that does not exist.
    """
    study = Study(model, content, alpha=alpha, top_n=top_n)
    return report_on(study, title=title, source=source, sections=sections, style=style)


def report_on(
    study: Study,
    *,
    title: str = "",
    source: str = "",
    sections: Iterable[str] | None = None,
    style: str | Style = "plain",
) -> Report:
    """The page of a study; arguments as in `make_report`."""
    chosen, look = _chosen(sections), as_style(style)
    parts, failures, seconds = [], [], {"drawing": 0.0}
    for name, section in chosen.items():
        started, drawn = time.perf_counter(), seconds["drawing"]
        part = _Part(name, section.title)
        try:
            part.blocks.extend(_blocks(section, study, look, seconds))
        except NextstatError as error:
            # The rest of the page is worth reading all the same.
            failures.append(f"section {name!r}: {error}")
            part.blocks.append(_paragraph(f"This section could not be made: {error}"))
        parts.append(part)
        drawing = seconds["drawing"] - drawn
        seconds[name] = time.perf_counter() - started - drawing
    html = _template().render(
        title=title or f"Report on {source or 'a model'}",
        source=source,
        style=look,
        parts=parts,
        provenance=_provenance(study, source),
        seconds=seconds,
    )
    return Report(html, study.fit.converged, tuple(failures), seconds)


def _chosen(names: Iterable[str] | None) -> dict[str, Section]:
    """Sections in the order of the page."""
    wanted = set(SECTIONS if names is None else names)
    for name in sorted(wanted - set(SECTIONS)):
        raise InputError.unknown("section", name, list(SECTIONS))
    return {name: section for name, section in SECTIONS.items() if name in wanted}


def _blocks(
    section: Section, study: Study, style: Style, seconds: dict[str, float]
) -> Iterator[str]:
    """HTML of a section; figures that follow each other stand side by side."""
    why = section.missing(study)
    if why:
        yield _paragraph(why)
        return
    figures: list[FigureSpec] = []
    for block in section.build(study):
        if isinstance(block, FigureSpec):
            figures.append(block)
            continue
        yield from _drawn(figures, style, seconds)
        figures = []
        yield _html(block)
    yield from _drawn(figures, style, seconds)


def _html(block: Any) -> str:
    if isinstance(block, str):
        return _paragraph(block)
    return block.html() if isinstance(block, Table) else block._repr_html_()


def _paragraph(text: str) -> str:
    from markupsafe import escape

    return f"<p>{escape(text)}</p>"


def _drawn(figures: Sequence[FigureSpec], style: Style, seconds: dict[str, float]) -> Iterator[str]:
    from markupsafe import escape

    if not figures:
        return
    started = time.perf_counter()
    yield '<div class="figures">'
    for spec in figures:
        # An image, not elements of the page: identifiers and styles of figures stay apart.
        picture = base64.b64encode(_svg(spec, style)).decode("ascii")
        yield (
            f'<figure><img alt="{escape(spec.description)}" '
            f'src="data:image/svg+xml;base64,{picture}"></figure>'
        )
    yield "</div>"
    seconds["drawing"] += time.perf_counter() - started


def _svg(spec: FigureSpec, style: Style) -> bytes:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    content = io.StringIO()
    # The same figure gives the same bytes: neither a date nor random identifiers. `savefig` would
    # draw everything once more, only to find out what has changed.
    with mpl.rc_context({"svg.hashsalt": "nextstat"}):
        canvas = FigureCanvasSVG(render(spec, style=style))
        canvas.print_svg(content, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return content.getvalue().encode()


def _provenance(study: Study, source: str) -> list[tuple[str, str]]:
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    facts: dict[str, Any] = {"workspace": source, "made": made}
    if isinstance(study.content, str | bytes):
        content = study.content.encode() if isinstance(study.content, str) else study.content
        facts["sha256 of the workspace"] = hashlib.sha256(content).hexdigest()
    facts |= {"nextstat-viz": version("nextstat-viz"), **study.fit.provenance}
    return [(key, str(value)) for key, value in facts.items() if value not in {None, ""}]


@cache
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nextstat_viz", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
