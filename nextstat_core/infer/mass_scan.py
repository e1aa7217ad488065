"""Limits of all signals of a patchset, or of any list of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import FitError, InputError, MissingPOIError, NextstatError
from nextstat_core.infer.executors import run_units
from nextstat_core.infer.limits import upper_limits
from nextstat_core.io import apply_operations, decode, read_patchset
from nextstat_core.models import HistFactoryModel
from nextstat_core.models.arrays import number
from nextstat_core.models.sources import document_of
from nextstat_core.results import LimitResult, MassScan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from nextstat_core.infer.executors import Executor

__all__ = ["limits_of_models", "mass_scan"]


def mass_scan(
    background: Any,
    patchset: Any,
    *,
    names: Sequence[str] | None = None,
    cross_sections: Mapping[str, float] | None = None,
    alpha: float = 0.05,
    expected: bool = True,
    verify: bool = True,
    model_options: Mapping[str, Any] | None = None,
    make: Callable[..., HistFactoryModel] = HistFactoryModel.from_workspace,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    **limit_options: Any,
) -> MassScan:
    """Find the limits of all signals of a patchset.

    The background is read and decoded once. A signal that cannot be used has an error in the
    result; the others do not suffer from it.

    Parameters
    ----------
    background : str, bytes, mapping or path
        The workspace that the patches change.
    patchset : path, mapping or nextstat_core.io.Patchset
        A patchset as published on HEPData, decoded or not.
    names : sequence of str, optional
        Patches to use, in this order; all of them if left out.
    cross_sections : mapping of patch to float, optional
        What a signal strength of one stands for; the result has limits in the same unit.
    verify : bool
        Whether the digest of the background must be the one that the patchset names.
    model_options : mapping, optional
        Keywords of `make`, such as ``measurement`` and ``backend``.
    make : callable
        Makes a model of a decoded workspace.
    executor : concurrent.futures.Executor, optional
        Whatever finds the limits instead of this thread, which only makes the models; results do
        not depend on it.
    progress : callable, optional
        Called with the numbers of signals that are done, and of all.
    alpha, expected, **limit_options
        As in `upper_limits`.

    Returns
    -------
    MassScan

    Raises
    ------
    FormatError
        If background or patchset are no such documents.
    InputError
        For unknown names, missing cross sections, and a digest that does not fit.
    """
    content = document_of(background)
    if not isinstance(content, Mapping):
        content = decode(content).usable()
    patches = read_patchset(patchset)
    if verify:
        patches.verify(content)
    by_name = {patch.name: patch for patch in patches.patches}
    chosen = list(by_name) if names is None else list(names)
    for name in chosen:
        if name not in by_name:
            raise InputError.unknown("patch of the patchset", name, list(by_name))
    sizes = _sizes(cross_sections, chosen)

    def models() -> Iterator[tuple[str, Callable[[], HistFactoryModel]]]:
        for name in chosen:

            def build(patch: Any = by_name[name]) -> HistFactoryModel:
                document = apply_operations(content, patch.operations, repr(patch.name))
                return make(document, **(model_options or {}))

            yield name, build

    limits, errors = limits_of_models(
        dict(models()),
        executor=executor,
        progress=progress,
        alpha=alpha,
        expected=expected,
        **limit_options,
    )
    return _collected(
        chosen,
        patches.labels,
        tuple(by_name[name].values for name in chosen),
        sizes,
        limits,
        errors,
        alpha=alpha,
        expected=expected,
    )


def limits_of_models(
    models: Mapping[str, Callable[[], HistFactoryModel]],
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> tuple[dict[str, LimitResult], dict[str, str]]:
    """Limits by name, and why others have none; models are made here, one after the other.

    Only a model or a fit that cannot be used ends up among the latter: arguments that are wrong
    for all models raise as they do in `upper_limits`.
    """
    found = run_units(
        _limits,
        map(_built, models.values()),
        [_Signal(name, options) for name in models],
        executor=executor,
        progress=progress,
        size=_one,
    )
    by_name = dict(zip(models, found, strict=True))
    limits = {name: each for name, each in by_name.items() if not isinstance(each, str)}
    errors = {name: each for name, each in by_name.items() if isinstance(each, str)}
    return limits, errors


@dataclass(frozen=True, slots=True)
class _Signal:
    """A signal, and what is asked of its limits."""

    name: str
    options: Mapping[str, Any]

    def __str__(self) -> str:
        return f"limits of {self.name!r}"


def _one(_: _Signal) -> int:
    return 1


def _built(build: Callable[[], HistFactoryModel]) -> HistFactoryModel | str:
    """The model, or why there is none."""
    try:
        return build()
    except NextstatError as error:
        return str(error)


def _limits(model: HistFactoryModel | str, signal: _Signal) -> LimitResult | str:
    """The limits of a model, or why there are none."""
    if isinstance(model, str):
        return model
    try:
        return upper_limits(model, **signal.options)
    except (FitError, MissingPOIError) as error:
        return str(error)


def _sizes(
    cross_sections: Mapping[str, float] | None, names: Sequence[str]
) -> NDArray[np.float64] | None:
    if cross_sections is None:
        return None
    missing = [name for name in names if name not in cross_sections]
    if missing:
        some = ", ".join(map(repr, missing[:6])) + (", ..." if len(missing) > 6 else "")
        raise InputError(f"`cross_sections` lacks {len(missing)} of {len(names)} signals: {some}")
    return np.array([number(f"cross_sections[{name!r}]", cross_sections[name]) for name in names])


def _collected(
    names: Sequence[str],
    value_names: tuple[str, ...],
    values: tuple[tuple[float | str, ...], ...],
    sizes: NDArray[np.float64] | None,
    limits: dict[str, LimitResult],
    errors: dict[str, str],
    *,
    alpha: float,
    expected: bool,
) -> MassScan:
    nothing = np.full(5, np.nan)
    bands = [limits[name].expected if name in limits else nothing for name in names]
    return MassScan(
        alpha=alpha,
        names=tuple(names),
        value_names=value_names,
        values=values,
        observed=np.array([limits[n].observed if n in limits else np.nan for n in names]),
        expected=np.array(bands, dtype=float).reshape(len(names), 5) if expected else None,
        cross_sections=sizes,
        limits=limits,
        errors=errors,
    )
