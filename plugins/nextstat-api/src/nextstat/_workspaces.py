"""Workspaces to other workspaces: text in, text out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core import io
from nextstat_core.hooks import get_manager
from nextstat_core.models import document_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nextstat_core.io import Finding, Join, LintThresholds

__all__ = [
    "apply_patchset",
    "simplemodel_uncorrelated",
    "workspace_combine",
    "workspace_digest",
    "workspace_inspect",
    "workspace_lint",
    "workspace_prune",
    "workspace_rename",
    "workspace_sorted",
]


def apply_patchset(
    workspace: Any,
    patchset: Any,
    patch_name: str | None = None,
    *,
    values: Sequence[float | str] | None = None,
    verify: bool = True,
) -> str:
    """Apply one patch of a patchset to the workspace that it was published with.

    Parameters
    ----------
    workspace, patchset : str, bytes, mapping or path
        JSON text, decoded documents, or paths.
    patch_name : str, optional
        Name of the patch; the first one if this and `values` are left out.
    values : sequence of float or str, optional
        Where the patch lies, one value per label of the patchset.
    verify : bool
        Whether the digests of the workspace must be those that the patchset names.

    Returns
    -------
    str
        The patched workspace as JSON.

    Raises
    ------
    FormatError
        If a document is no JSON, or `patchset` does not follow the schema.
    InputError
        If there is no such patch, it does not fit, or the workspace is another one.
    """
    patches = patchset if isinstance(patchset, io.Patchset) else _decoded(patchset)
    document = _decoded(workspace)
    patched = io.apply_patchset(document, patches, patch_name, values=values, verify=verify)
    return io.encode(patched)


def workspace_digest(source: Any, algorithm: str = "sha256") -> str:
    """Digest of a workspace, the same as pyhf's; see `nextstat_core.io.workspace_digest`.

    `source` is JSON text, a decoded workspace, or a path. Whole numbers and numbers with a decimal
    point are different.
    """
    return io.workspace_digest(_decoded(source), algorithm)


def workspace_combine(
    left: Any, right: Any, *, join: Join = "none", merge_channels: bool = False
) -> str:
    """Combine two workspaces; see `nextstat_core.io.workspace_combine` for the joins.

    `left` and `right` are JSON text, decoded workspaces, or paths.

    Returns
    -------
    str
        The combined workspace as JSON.
    """
    combined = io.workspace_combine(
        _decoded(left), _decoded(right), join=join, merge_channels=merge_channels
    )
    return io.encode(combined)


def workspace_prune(
    source: Any,
    *,
    modifiers: Collection[str] = (),
    modifier_types: Collection[str] = (),
    samples: Collection[str] = (),
    channels: Collection[str] = (),
    measurements: Collection[str] = (),
) -> str:
    """Remove parts of a workspace by their names; see `nextstat_core.io.workspace_prune`.

    `source` is JSON text, a decoded workspace, or a path.

    Returns
    -------
    str
        The workspace without them as JSON.
    """
    pruned = io.workspace_prune(
        _decoded(source),
        modifiers=modifiers,
        modifier_types=modifier_types,
        samples=samples,
        channels=channels,
        measurements=measurements,
    )
    return io.encode(pruned)


def workspace_rename(
    source: Any,
    *,
    modifiers: Mapping[str, str] | None = None,
    samples: Mapping[str, str] | None = None,
    channels: Mapping[str, str] | None = None,
    measurements: Mapping[str, str] | None = None,
) -> str:
    """Rename parts of a workspace; see `nextstat_core.io.workspace_rename`.

    `source` is JSON text, a decoded workspace, or a path; the others are new names by old ones.

    Returns
    -------
    str
        The workspace with the new names as JSON.
    """
    renamed = io.workspace_rename(
        _decoded(source),
        modifiers=modifiers,
        samples=samples,
        channels=channels,
        measurements=measurements,
    )
    return io.encode(renamed)


def workspace_sorted(source: Any) -> str:
    """Sort a workspace by names; see `nextstat_core.io.workspace_sorted`.

    `source` is JSON text, a decoded workspace, or a path.

    Returns
    -------
    str
        The sorted workspace as JSON.
    """
    return io.encode(io.workspace_sorted(_decoded(source)))


def workspace_inspect(source: Any, *, measurement: str | None = None) -> dict[str, Any]:
    """List channels, samples, modifiers, parameters and measurements.

    `source` is JSON text, a decoded workspace, or a path. The keys are those of
    `nextstat_core.io.workspace_inspect`.

    Raises
    ------
    ModelError
        If the workspace describes no usable model; `workspace_audit` counts those too.
    """
    types = get_manager().modifiers
    return io.workspace_inspect(_decoded(source), measurement=measurement, modifier_types=types)


def workspace_lint(
    source: Any,
    *,
    measurement: str | None = None,
    thresholds: LintThresholds | None = None,
    ignore: Collection[str] = (),
) -> list[Finding]:
    """Find what is odd about a workspace, the worst first; see `nextstat_core.io.workspace_lint`.

    Parameters
    ----------
    source : str, bytes, mapping or path
        JSON text, a decoded workspace, or a path.
    measurement : str, optional
        Name of the measurement; the first one if left out.
    thresholds : LintThresholds, optional
        From which size on something is odd.
    ignore : collection of str
        Codes of rules that are left out.
    """
    return io.workspace_lint(
        document_of(source),
        measurement=measurement,
        thresholds=thresholds,
        ignore=ignore,
        modifier_types=get_manager().modifiers,
    )


def simplemodel_uncorrelated(
    signal: Sequence[float], bkg: Sequence[float], bkg_uncertainty: Sequence[float]
) -> str:
    """Workspace of one channel with a signal and a background with uncertainties of its own.

    Parameters
    ----------
    signal, bkg, bkg_uncertainty : sequence of float, shape (n_bins,)
        Expected counts, and absolute uncertainties of the background, which is what is observed.

    Returns
    -------
    str
        The workspace as JSON, with the names of pyhf's `simplemodels.uncorrelated_background`.
    """
    return io.encode(io.simplemodel_uncorrelated(signal, bkg, bkg_uncertainty))


def _decoded(source: Any) -> Any:
    return io.decode(document_of(source)).usable()
