"""Tests, limits and confidence sets from toys, in the forms of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat._fit import on_device
from nextstat._settings import threads_now
from nextstat_core import infer
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import FeldmanCousins, ToyHypotestResult, ToyLimitResult
    from nextstat_core.typing import ArrayLike

__all__ = ["feldman_cousins", "hypotest_toys", "toy_upper_limit"]


def hypotest_toys(
    poi_test: float,
    model: HistFactoryModel,
    *,
    n_toys: int = 1000,
    seed: int = 42,
    expected_set: bool = False,
    data: ArrayLike | None = None,
    return_tail_probs: bool = False,
    return_meta: bool = False,
    return_result: bool = False,
    device: str | None = None,
    **options: Any,
) -> float | tuple[Any, ...] | dict[str, Any] | ToyHypotestResult:
    """CLs of a value of the parameter of interest, from toys.

    Parameters
    ----------
    poi_test : float
        The tested value.
    n_toys, seed, data
        As in `nextstat_core.infer.hypotest_toys`.
    expected_set : bool
        Also return the five expected values of CLs, ascending.
    return_tail_probs : bool
        Also return ``[CLsb, CLb]``.
    return_meta : bool
        Return a dictionary: CLs, CLsb, CLb, their errors, the test statistic, counts of toys and of
        failures.
    return_result : bool
        Return the result with all toys, which can be saved and merged.
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.
    **options
        Others of `nextstat_core.infer.hypotest_toys`: ``test_stat``, ``aux``, ``first_toy``,
        ``executor``, ``checkpoint``, ...

    Returns
    -------
    float, tuple, dict or ToyHypotestResult
        CLs alone, or a tuple with the expected set and the tail probabilities, in this order. For
        statistics without CLs the p-value takes its place, and CLb is None.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    """
    settings = {"threads": threads_now(), **options}
    result = infer.hypotest_toys(
        on_device(model, device), poi_test, n_toys=n_toys, seed=seed, data=data, **settings
    )
    if return_result:
        return result
    expected = _expected(result) if expected_set else None
    if return_meta:
        meta = {key: value for key, value in result.to_dict().items() if key != "expected"}
        return meta if expected is None else {**meta, "expected": expected}
    cls = result.p_value if result.cls is None else result.cls
    answer: list[Any] = [cls]
    if expected is not None:
        answer.append(expected)
    if return_tail_probs:
        answer.append([result.clsb, result.clb])
    return cls if len(answer) == 1 else tuple(answer)


def _expected(result: ToyHypotestResult) -> list[float]:
    bands = result.expected_p if result.cls is None else result.expected_cls
    if bands is None:
        raise InputError(
            "`expected_set` needs toys of the alternative hypothesis",
            hint="n_toys_b says how many",
        )
    return bands.tolist()


def toy_upper_limit(
    model: HistFactoryModel, *, device: str | None = None, **options: Any
) -> ToyLimitResult:
    """Upper limit from toys, with the error that their number gives it.

    Parameters
    ----------
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.
    **options
        Those of `nextstat_core.infer.toy_upper_limit`: ``alpha``, ``mu_values``, ``n_toys``, ...
    """
    settings = {"threads": threads_now(), **options}
    return infer.toy_upper_limit(on_device(model, device), **settings)


def feldman_cousins(
    model: HistFactoryModel, values: ArrayLike, *, device: str | None = None, **options: Any
) -> FeldmanCousins:
    """Confidence set by the construction of Feldman and Cousins, with nuisances profiled.

    Parameters
    ----------
    values : array-like, shape (n,)
        Values of the parameter of interest to test.
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.
    **options
        Those of `nextstat_core.infer.feldman_cousins`: ``cl``, ``n_toys``, ``test_stat``, ...
    """
    settings = {"threads": threads_now(), **options}
    return infer.feldman_cousins(on_device(model, device), values, **settings)
