"""Modifiers of generated workspaces: one function for each kind in a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.testing.draws import Draws
    from nextstat_core.testing.recipe import Recipe

__all__ = ["MODIFIERS", "Document", "last_background"]

#: A part of a workspace: a channel, a sample, a measurement.
Document: TypeAlias = dict[str, Any]


def _backgrounds(channel: Document) -> list[Document]:
    samples: list[Document] = channel["samples"]
    return samples[1:] or samples


def last_background(channel: Document, recipe: Recipe) -> Document:
    """Return the last sample that is neither signal, unless there is no other, nor negative."""
    sample: Document = channel["samples"][recipe.n_samples - 1]
    return sample


def _targets(channels: list[Document], index: int, draws: Draws) -> list[tuple[str, Document]]:
    """Choose the samples that systematic `index` acts on: one for certain, others by chance."""
    chosen = []
    for channel in channels:
        samples = _backgrounds(channel)
        for position, sample in enumerate(samples):
            if position == index % len(samples) or draws.chance(0.4):
                chosen.append((channel["name"], sample))
    return chosen


def _parameter(stem: str, index: int, channel: str, recipe: Recipe) -> str:
    return f"{stem}_{index}" if recipe.correlated else f"{stem}_{index}_{channel}"


def _attach(sample: Document, kind: str, name: str, data: Any) -> None:
    sample["modifiers"].append({"name": name, "type": kind, "data": data})


def _relative_sides(draws: Draws) -> tuple[float, float]:
    size = draws.uniform(0.02, 0.15)
    return size, -size * draws.uniform(0.6, 1.3)


def _normsys_data(up: float, down: float) -> dict[str, float]:
    return {"hi": round(1.0 + up, 5), "lo": round(1.0 + down, 5)}


def _tilted(nominal: list[float], effect: float, tilt: float) -> list[float]:
    return [
        round(value * (1.0 + effect * (1.0 + tilt * i_bin / len(nominal))), 4)
        for i_bin, value in enumerate(nominal)
    ]


def _histosys_data(sample: Document, up: float, down: float, tilt: float) -> Document:
    nominal = sample["data"]
    return {"hi_data": _tilted(nominal, up, tilt), "lo_data": _tilted(nominal, down, tilt)}


def _add_normfactors(channels: list[Document], recipe: Recipe, _draws: Draws) -> None:
    for index in range(recipe.n_normfactors):
        for channel in channels:
            samples = _backgrounds(channel)
            name = _parameter("norm", index, channel["name"], recipe)
            _attach(samples[index % len(samples)], "normfactor", name, None)


def _add_normsys(channels: list[Document], recipe: Recipe, draws: Draws) -> None:
    for index in range(recipe.n_normsys):
        for channel, sample in _targets(channels, index, draws):
            name = _parameter("normsys", index, channel, recipe)
            _attach(sample, "normsys", name, _normsys_data(*_relative_sides(draws)))


def _add_histosys(channels: list[Document], recipe: Recipe, draws: Draws) -> None:
    for index in range(recipe.n_histosys):
        for channel, sample in _targets(channels, index, draws):
            name = _parameter("histosys", index, channel, recipe)
            up, down = _relative_sides(draws)
            data = _histosys_data(sample, up, down, draws.uniform(-2.0, 2.0))
            _attach(sample, "histosys", name, data)


def _add_coupled(channels: list[Document], recipe: Recipe, draws: Draws) -> None:
    for index in range(recipe.n_coupled):
        for channel, sample in _targets(channels, index, draws):
            name = _parameter("coupled", index, channel, recipe)
            up, down = _relative_sides(draws)
            _attach(sample, "normsys", name, _normsys_data(up, down))
            data = _histosys_data(sample, up, down, draws.uniform(-2.0, 2.0))
            _attach(sample, "histosys", name, data)


def _add_one_sided(channels: list[Document], recipe: Recipe, draws: Draws) -> None:
    for index in range(recipe.n_one_sided):
        for channel, sample in _targets(channels, index, draws):
            name = _parameter("one_sided", index, channel, recipe)
            up, _ = _relative_sides(draws)
            if index % 2:
                _attach(sample, "normsys", name, _normsys_data(up, up))
            else:
                tilt = draws.uniform(-2.0, 2.0)
                _attach(sample, "histosys", name, _histosys_data(sample, up, up, tilt))


def _add_degenerate(channels: list[Document], recipe: Recipe, draws: Draws) -> None:
    for index in range(recipe.n_degenerate):
        for channel, sample in _targets(channels, index, draws):
            data = _normsys_data(*_relative_sides(draws))
            for twin in ("twin_a", "twin_b"):
                name = _parameter(twin, index, channel, recipe)
                _attach(sample, "normsys", name, dict(data))


def _add_large_normsys(channels: list[Document], recipe: Recipe, _draws: Draws) -> None:
    sides = ({"hi": 41.0, "lo": 1.0}, {"hi": 3.0, "lo": 0.2})
    for index in range(recipe.n_large_normsys):
        for channel in channels:
            samples = _backgrounds(channel)
            name = _parameter("large", index, channel["name"], recipe)
            _attach(samples[index % len(samples)], "normsys", name, dict(sides[index % 2]))


def _add_staterror(channels: list[Document], recipe: Recipe, draws: Draws) -> None:
    if not (recipe.staterror or recipe.shared_staterror):
        return
    for channel in channels:
        suffix = "shared" if recipe.shared_staterror else channel["name"]
        for sample in _backgrounds(channel):
            relative = draws.uniform(0.01, 0.08)
            data = [round(relative * abs(value), 5) for value in sample["data"]]
            _attach(sample, "staterror", f"staterror_{suffix}", data)


def _add_shapesys(channels: list[Document], recipe: Recipe, draws: Draws) -> None:
    if not recipe.shapesys:
        return
    for channel in channels:
        sample = last_background(channel, recipe)
        data = [round(draws.uniform(0.05, 0.2) * abs(value), 5) for value in sample["data"]]
        _attach(sample, "shapesys", f"shapesys_{channel['name']}", data)


def _add_shapefactor(channels: list[Document], recipe: Recipe, _draws: Draws) -> None:
    n_channels = 2 if recipe.shared_shapefactor else int(recipe.shapefactor)
    for channel in channels[:n_channels]:
        _attach(last_background(channel, recipe), "shapefactor", "shapefactor", None)


def _add_lumi(channels: list[Document], recipe: Recipe, _draws: Draws) -> None:
    if not recipe.lumi:
        return
    for channel in channels:
        for sample in channel["samples"]:
            _attach(sample, "lumi", "lumi", None)


# Yields are drawn before modifiers, and each kind after the other, so that adding a kind to a
# recipe changes nothing in those before it.
MODIFIERS: tuple[Callable[[list[Document], Recipe, Draws], None], ...] = (
    _add_normfactors,
    _add_normsys,
    _add_histosys,
    _add_coupled,
    _add_one_sided,
    _add_degenerate,
    _add_large_normsys,
    _add_staterror,
    _add_shapesys,
    _add_shapefactor,
    _add_lumi,
)
