"""Templates as files of arrays, with the names and contents that cabinetry gives them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from nextstat_histograms.histogram import Histogram
    from nextstat_histograms.locations import TemplateKey

__all__ = ["save_templates"]


def save_templates(
    folder: str | PathLike[str], sets: Mapping[str, Mapping[TemplateKey, Histogram]]
) -> list[Path]:
    """Write one file per template: ``Region_Sample_Systematic_Direction`` and the set's suffix.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    sets : mapping of str to mapping
        Templates by what is added to their names.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    target = Path(folder)
    written = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for suffix, templates in sets.items():
            for key, template in templates.items():
                # A name is no path: a slash in it leads nowhere else.
                name = "_".join(filter(None, key)).replace(" ", "-").replace("/", "-")
                path = target / f"{name}{suffix}.npz"
                np.savez(path, yields=template.values, stdev=template.stdev, bins=template.edges)
                written.append(path)
    except OSError as error:
        raise InputError(f"cannot write to {str(target)!r}: {error}") from error
    return written
