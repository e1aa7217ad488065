"""Long names, cut so that they fit and can still be told apart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["cut_names"]


def cut_names(names: Iterable[str], width: int) -> list[str]:
    """Names of at most `width` characters; longer ones lose their middle.

    The ends stay, because names of one family differ there: in prefix, bin or source. Names that
    would look the same are cut less, until they differ.

    Examples
    --------
    >>> cut_names(["alpha_jet_energy_scale_1", "alpha_jet_energy_scale_2"], 13)
    ['alpha_…cale_1', 'alpha_…cale_2']
    >>> cut_names(["staterror_region_a_1", "staterror_region_b_1"], 9)
    ['stat…on_a_1', 'stat…on_b_1']
    """
    whole = list(names)
    shown = [_cut(name, width) for name in whole]
    widest = max(map(len, whole), default=0)
    while width < widest:
        counts = Counter(shown)
        if max(counts.values()) == 1:
            break
        width += 2
        shown = [
            _cut(name, width) if counts[cut] > 1 else cut
            for name, cut in zip(whole, shown, strict=True)
        ]
    return shown


def _cut(name: str, width: int) -> str:
    if len(name) <= width:
        return name
    tail = width // 2
    return f"{name[: width - tail - 1]}…{name[len(name) - tail :]}"
