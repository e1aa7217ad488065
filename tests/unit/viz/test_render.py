"""What matplotlib draws of figures: data, names, labels; no pixels are compared."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nextstat_viz as viz
from nextstat_core.errors import InputError
from nextstat_viz.figure import Axis, FigureSpec, Line, Panel, Steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THEMES = ["plain", "atlas", "cms"]


def one_line(label: str = "", **texts: Any) -> FigureSpec:
    line = Line(label=label, role="observed", x=[0.0, 1.0, 2.0], y=[3.0, 1.0, 2.0])
    panel = Panel(x=Axis(label="x"), y=Axis(label="y"), series=(line,))
    return FigureSpec(name="n", title="Title", description="d", panel=panel, **texts)


def drawn(figure: Figure) -> Axes:
    """The main axes, after everything has found its place."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure).draw()
    return figure.axes[0]


def texts_of(figure: Figure) -> list[str]:
    from matplotlib.text import Text

    return [each.get_text() for each in figure.findobj(Text) if each.get_text()]


def test_line_has_the_points_of_the_series() -> None:
    (line,) = drawn(viz.render(one_line())).get_lines()
    np.testing.assert_array_equal(line.get_xydata(), [[0.0, 3.0], [1.0, 1.0], [2.0, 2.0]])


def test_axes_of_the_user_are_drawn_on() -> None:
    from matplotlib.figure import Figure

    mine = Figure()
    left, right = mine.subplots(1, 2)
    assert viz.render(one_line(), ax=right) is mine
    assert len(left.get_lines()) == 0
    assert len(right.get_lines()) == 1


def test_ratio_comes_along_to_axes_of_the_user(results: dict[str, Any]) -> None:
    from matplotlib.figure import Figure

    mine = Figure()
    ax = mine.subplots()
    viz.plot_distribution(results["postfit"], "SR_boosted", ax=ax)
    (lower,) = ax.child_axes
    assert lower.get_ylabel() == "data / exp."


def test_settings_of_matplotlib_stay_as_they_are() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    viz.render(one_line(), style="atlas")
    assert dict(mpl.rcParams) == before


def test_columns_of_a_stack_have_the_heights_of_the_yields(results: dict[str, Any]) -> None:
    from matplotlib.patches import StepPatch

    figure = viz.plot_distribution(results["postfit"], "SR_boosted")
    columns = [each for each in drawn(figure).patches if isinstance(each, StepPatch)]
    heights = [each.get_data().values for each in columns]
    np.testing.assert_allclose(heights[0], results["postfit"]["SR_boosted"].total, rtol=1e-12)


def test_impacts_are_boxes_on_the_upper_axis(results: dict[str, Any]) -> None:
    from matplotlib.collections import PolyCollection

    impacts = results["postfit_impacts"]
    figure = viz.plot_ranking(impacts, top_n=4)
    lower, upper = figure.axes
    boxes = [each for each in upper.collections if isinstance(each, PolyCollection)]
    ends = [path.get_extents() for path in boxes[0].get_paths()]
    # Each box goes from zero to the impact, to either side.
    np.testing.assert_allclose([box.x0 + box.x1 for box in ends], impacts.up[:4])
    assert lower.get_zorder() > upper.get_zorder()


@pytest.mark.parametrize(("theme", "n_names"), [("plain", 250), ("atlas", 40), ("cms", 3)])
def test_names_do_not_overlap(theme: str, n_names: int, make_fit: Any) -> None:
    from dataclasses import replace

    fit = make_fit(np.linspace(-2.0, 2.0, n_names).tolist())
    names = tuple(f"weight_of_a_long_systematic_source_{i}_of_many" for i in range(n_names))
    figure = viz.plot_pulls(replace(fit, parameter_names=names), top_n=None, style=theme)
    boxes = [each.get_window_extent() for each in drawn(figure).get_yticklabels()]
    assert len(boxes) == n_names
    for upper, lower in pairwise(boxes):
        assert lower.y1 <= upper.y0
        assert lower.x0 >= 0.0


@pytest.mark.parametrize("theme", THEMES)
def test_names_of_a_matrix_do_not_overlap(theme: str, make_fit: Any) -> None:
    count = 30
    covariance = 0.5 * np.eye(count) + 0.5
    fit = make_fit([0.0] * count, covariance_source=covariance)
    ax = drawn(viz.plot_correlation(fit, top_n=count, style=theme))
    for labels, low, high in (
        (ax.get_yticklabels(), "y0", "y1"),
        (ax.get_xticklabels()[::-1], "x0", "x1"),
    ):
        boxes = [each.get_window_extent() for each in labels]
        assert all(getattr(b, high) <= getattr(a, low) for a, b in pairwise(boxes))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["cls", "profile", "distribution", "toys", "pulls", "ranking"])
def test_legend_and_texts_are_inside_the_figure_and_beside_the_data(
    kind: str, theme: str, results: dict[str, Any]
) -> None:
    style = viz.Style(theme=theme, experiment="ACME", status="Draft", luminosity=139, energy=13)
    make = {
        "cls": lambda: viz.plot_cls(results["cls"], style=style),
        "profile": lambda: viz.plot_profile(results["profile"], style=style),
        "distribution": lambda: viz.plot_distribution(
            results["postfit"], "SR_boosted", style=style
        ),
        "toys": lambda: viz.plot_toys(results["toys"], style=style),
        "pulls": lambda: viz.plot_pulls(results["fit"], style=style),
        "ranking": lambda: viz.plot_ranking(results["postfit_impacts"], style=style),
    }
    figure = make[kind]()
    ax = drawn(figure)
    legend = ax.get_legend().get_window_extent()
    assert legend.x0 >= ax.get_window_extent().x1
    width, height = figure.bbox.size
    for text in [*ax.texts, ax.title, ax.xaxis.label, *ax.get_legend().get_texts()]:
        box = text.get_window_extent()
        assert box.x0 >= -1.0, text
        assert box.x1 <= width + 1.0, text
        assert box.y0 >= -1.0, text
        assert box.y1 <= height + 1.0, text


@pytest.mark.parametrize("theme", THEMES)
def test_experiment_energy_and_luminosity_are_written(theme: str) -> None:
    style = viz.Style(theme=theme, experiment="ACME", status="Draft", luminosity=139, energy=13.6)
    texts = texts_of(viz.render(one_line(), style=style))
    assert {"ACME", "Draft"} <= set(texts)
    assert any("13.6 TeV, 139 fb" in text for text in texts)


def test_nothing_is_written_that_was_not_given() -> None:
    ax = drawn(viz.render(one_line(), style="cms"))
    assert list(ax.texts) == []


def test_label_inside_the_axes_covers_no_data() -> None:
    steps = Steps(role="sample0", edges=[0.0, 1.0, 2.0], y_lo=[0.0, 0.0], y_hi=[5.0, 4.0])
    panel = Panel(x=Axis(), y=Axis(limits=(0.0, 5.0)), series=(steps,))
    spec = FigureSpec(name="n", title="", description="d", panel=panel)
    style = viz.Style(theme="atlas", experiment="ATLAS", status="Internal", energy=13)
    ax = drawn(viz.render(spec, style=style))
    highest = ax.transData.transform((0.0, 5.0))[1]
    assert all(text.get_window_extent().y0 > highest for text in ax.texts if text.get_text())


@pytest.mark.parametrize("label", ["_hidden", "costs $5 and $6", "plain"])
def test_every_label_is_in_the_legend_as_it_is(label: str) -> None:
    legend = drawn(viz.render(one_line(label))).get_legend()
    assert legend is not None
    (text,) = legend.get_texts()
    assert text.get_text().replace("\\$", "$").strip() == label
    assert not text.get_text().startswith("_")
    assert text._preprocess_math(text.get_text())[1] is False


def test_unknown_style_is_refused() -> None:
    with pytest.raises(InputError, match=r"no style named 'altas'.*\n*.*did you mean 'atlas'"):
        viz.render(one_line(), style="altas")


def test_every_result_has_a_plot(results: dict[str, Any]) -> None:
    from matplotlib.figure import Figure

    figures = [
        viz.plot_channels(results["postfit"], prefit=results["prefit"]),
        viz.plot_cls(results["cls"], log=True),
        viz.plot_contour(results["contour"]),
        viz.plot_correlation(results["fit"]),
        viz.plot_profile(results["profile"], interval=results["interval"]),
    ]
    for figure in figures:
        assert isinstance(figure, Figure)
        assert drawn(figure).get_title(loc="left")
