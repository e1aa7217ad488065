"""Generated workspaces: every kind of modifier, alone and together."""

from __future__ import annotations

from nextstat_core.testing import (
    Recipe,
    degenerate_pair,
    growth,
    many_channels,
    negative_rates,
    one_sided_bin,
    uncorrelated,
)

__all__ = ["NAMED", "RECIPES", "SHORT_RECIPES"]

RECIPES = {
    "normfactor": Recipe(n_normfactors=2),
    "normsys": Recipe(n_normsys=4),
    "large normsys": Recipe(n_large_normsys=2),
    "histosys": Recipe(n_histosys=4),
    "histosys and normsys of one name": Recipe(n_coupled=3),
    "one-sided": Recipe(n_one_sided=4),
    "degenerate": Recipe(n_degenerate=2),
    "uncorrelated channels": Recipe(n_normsys=2, n_histosys=2, correlated=False),
    "staterror": Recipe(staterror=True),
    "staterror shared by channels": Recipe(shared_staterror=True),
    "shapesys": Recipe(shapesys=True),
    "staterror and shapesys": Recipe(staterror=True, shapesys=True),
    "shapefactor": Recipe(shapefactor=True),
    "shapefactor shared by channels": Recipe(shared_shapefactor=True, staterror=True),
    "lumi": Recipe(lumi=True, n_normsys=1),
    "zero bins": Recipe(n_zero_bins=2, n_empty_bins=1, staterror=True, shapesys=True, n_histosys=1),
    "negative bins": Recipe(n_negative_bins=2, staterror=True, n_histosys=2),
    "negative sample": Recipe(negative_sample=True, staterror=True, n_normsys=2),
    "unobserved bins": Recipe(n_unobserved_bins=3, staterror=True, shapesys=True),
    "custom settings": Recipe(n_normsys=3, n_histosys=2, custom_settings=True, lumi=True),
    "asimov": Recipe(n_normsys=2, staterror=True, data="asimov"),
    "everything": Recipe(
        n_channels=3,
        n_bins=5,
        n_samples=4,
        n_normfactors=1,
        n_normsys=3,
        n_histosys=2,
        n_coupled=2,
        n_one_sided=2,
        n_degenerate=1,
        staterror=True,
        shapesys=True,
        shapefactor=True,
        lumi=True,
        n_zero_bins=2,
        n_empty_bins=1,
        n_negative_bins=2,
        negative_sample=True,
        n_unobserved_bins=2,
        custom_settings=True,
    ),
}

NAMED = {
    "one-sided bin": one_sided_bin(),
    "degenerate pair": degenerate_pair(),
    "negative rates": negative_rates(),
    "uncorrelated": uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0]),
    "many channels": many_channels(6),
    "growth": growth(30, 12, staterror=True, bins_per_channel=12),
}

#: Recipes that the short form of the comparison of backends takes.
SHORT_RECIPES = (
    "histosys and normsys of one name",
    "one-sided",
    "staterror and shapesys",
    "shapefactor",
    "negative sample",
    "custom settings",
    "everything",
)
