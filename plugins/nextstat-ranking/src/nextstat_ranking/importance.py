"""The ranking as the importance of features, for readers from machine learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError
from nextstat_ranking.ranking import ranking

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nextstat_core.models import StatisticalModel

__all__ = ["plot_rank_impact", "rank_impact", "rank_impact_df"]

_KEYS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "total": lambda row: row["total_impact"],
    "up": lambda row: abs(row["delta_mu_up"]),
    "down": lambda row: abs(row["delta_mu_down"]),
    "pull": lambda row: abs(row["pull"] or 0.0),
    "name": lambda row: row["name"],
}
_COLUMNS = [
    "name", "delta_mu_up", "delta_mu_down", "total_impact", "pull", "constraint", "rank",
]  # fmt: skip
_UP, _DOWN = "#1f77b4", "#ff7f0e"


def rank_impact(
    model: StatisticalModel,
    *,
    gpu: bool = False,
    sort_by: str = "total",
    top_n: int | None = None,
    ascending: bool = False,
    **options: Any,
) -> list[dict[str, Any]]:
    """List nuisance parameters by their impact on the parameter of interest.

    Parameters
    ----------
    model : StatisticalModel
    gpu : bool
        Fit on an NVIDIA GPU, with PyTorch unless the model is on one already.
    sort_by : {"total", "up", "down", "pull", "name"}
        Numbers without their signs. Ties are ordered by name.
    top_n : int, optional
        How many are listed; all for None or numbers below 1.
    ascending : bool
        Smallest first; with ``sort_by="name"`` from A to Z.
    **options
        As in `ranking`.

    Returns
    -------
    list of dict
        Those of `ranking`, with ``total_impact``, the sum of both shifts without their signs, and
        ``rank``, from 1.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    BackendNotFoundError, BackendUnavailableError
        If there is no GPU that can be used.
    """
    if sort_by not in _KEYS:
        raise InputError(f"sort_by must be one of {list(_KEYS)}, got {sort_by!r}")
    rows = ranking(_on_gpu(model) if gpu else model, **options)
    for row in rows:
        row["total_impact"] = abs(row["delta_mu_up"]) + abs(row["delta_mu_down"])
    rows.sort(key=_KEYS["name"])
    rows.sort(key=_KEYS[sort_by], reverse=not ascending)
    if top_n is not None and top_n > 0:
        rows = rows[:top_n]
    for rank, row in enumerate(rows, start=1):
        row["rank"] = rank
    return [{key: row[key] for key in _COLUMNS} for row in rows]


def rank_impact_df(model: StatisticalModel, **kwargs: Any) -> Any:
    """Return `rank_impact` as a pandas DataFrame; arguments are the same.

    Raises
    ------
    ModuleNotFoundError
        If pandas is missing; says how to install it.
    """
    try:
        import pandas as pd  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise _missing("rank_impact_df", "pandas", error) from error
    return pd.DataFrame(rank_impact(model, **kwargs), columns=_COLUMNS)


def plot_rank_impact(
    model: StatisticalModel,
    *,
    top_n: int = 20,
    gpu: bool = False,
    figsize: tuple[float, float] = (8, 6),
    title: str = "Systematic impact ranking",
    ax: Axes | None = None,
    **options: Any,
) -> Figure:
    """Draw both shifts of the largest impacts as horizontal bars, the largest at the top.

    Parameters
    ----------
    top_n, gpu, **options
        As in `rank_impact`.
    figsize : (float, float)
        Width and height of a new figure, inches.
    title : str
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        Its caller saves or shows it; no window opens.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing; says how to install it.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise _missing("plot_rank_impact", "matplotlib", error) from error
    rows = rank_impact(model, top_n=top_n, gpu=gpu, **options)
    if ax is None:
        ax = Figure(figsize=figsize, layout="constrained").subplots()
    names = [row["name"] for row in rows]
    ax.barh(names, [row["delta_mu_up"] for row in rows], color=_UP, alpha=0.8, label=r"$+1\sigma$")
    ax.barh(
        names, [row["delta_mu_down"] for row in rows], color=_DOWN, alpha=0.8, label=r"$-1\sigma$"
    )
    ax.invert_yaxis()
    ax.axvline(0.0, color="black", linewidth=0.8)
    ax.set_xlabel("Δμ")
    ax.set_title(title)
    ax.legend()
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def _on_gpu(model: StatisticalModel) -> StatisticalModel:
    from nextstat_core.models import HistFactoryModel

    if not isinstance(model, HistFactoryModel):
        raise InputError(
            f"a {type(model).__name__} evaluates itself and cannot be moved to a GPU",
            hint="leave `gpu` out",
        )
    return model if "cuda" in model.backend.device_name else model.to("torch", "cuda")


def _missing(function: str, library: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    if (error.name or "").partition(".")[0] != library:
        return error
    message = (
        f"{function} needs {library}, which is not installed\n\n"
        f"Hint: python -m pip install {library}"
    )
    return ModuleNotFoundError(message, name=library)
