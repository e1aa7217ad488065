"""Tiles: contiguous cells, bins and rows of channels of equal shape."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Tile", "tiles_of"]

# A tile's largest Jacobian work array has about this many bins.
_TILE_BINS = 4096


@dataclass(frozen=True, slots=True)
class Tile:
    """Channels of equal shape, or a run of bins of one channel: contiguous cells, bins and rows."""

    n_channels: int
    n_bins: int
    n_samples: int
    first_cell: int
    first_bin: int
    first_row: int

    @property
    def cells(self) -> slice:
        count = self.n_channels * self.n_bins * self.n_samples
        return slice(self.first_cell, self.first_cell + count)

    @property
    def bins(self) -> slice:
        return slice(self.first_bin, self.first_bin + self.n_channels * self.n_bins)

    @property
    def rows(self) -> slice:
        return slice(self.first_row, self.first_row + self.n_channels * self.n_samples)


def tiles_of(
    n_members: int, shape: tuple[int, int], first_cell: int, first_bin: int, first_row: int
) -> list[Tile]:
    """Tiles of `n_members` channels of one shape (samples, bins)."""
    n_samples, n_bins = shape
    tiles = []
    if n_bins > _TILE_BINS:
        for i in range(n_members):
            for start in range(0, n_bins, _TILE_BINS):
                count = min(_TILE_BINS, n_bins - start)
                b = i * n_bins + start
                cell, row = first_cell + b * n_samples, first_row + i * n_samples
                tiles.append(Tile(1, count, n_samples, cell, first_bin + b, row))
        return tiles
    per_tile = max(1, _TILE_BINS // n_bins)
    for i in range(0, n_members, per_tile):
        count, b = min(per_tile, n_members - i), i * n_bins
        cell, row = first_cell + b * n_samples, first_row + i * n_samples
        tiles.append(Tile(count, n_bins, n_samples, cell, first_bin + b, row))
    return tiles
