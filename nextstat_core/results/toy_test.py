"""A hypothesis test with toys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import erfc, hypot, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.results.arrays import read_only_floats
from nextstat_core.results.toy_ensemble import ToyEnsemble
from nextstat_core.results.toy_files import read_toy_test, write_toy_test
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from nextstat_core.results.arrays import FloatArray
    from nextstat_core.results.minimum import FitMinimumResult

__all__ = ["ToyHypotestResult"]

#: Statistics of upper limits; the others have no CLs.
_ONE_SIDED = {"q", "qtilde"}
#: Upward fluctuations of the best fit, in the order of expected values.
_N_SIGMA = (2, 1, 0, -1, -2)
_QUANTILES = np.array([0.5 * erfc(n / sqrt(2.0)) for n in _N_SIGMA])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ToyHypotestResult:
    """Test statistics of the data and of toys of both hypotheses.

    Attributes
    ----------
    study : mapping
        What the toys follow from, as plain values: ``mu``, ``test_stat``, ``seed``, ``aux``,
        digests of ``model`` and ``data``, ``fixed``, ``bounds``, ``tolerance``. Results with equal
        studies can be merged.
    q, mu_hat : float
        Test statistic of the data, infinite where the tested hypothesis cannot make them; and their
        best fit of the parameter of interest.
    sb : ToyEnsemble
        Toys of the tested hypothesis: signal plus background.
    b : ToyEnsemble
        Toys of the alternative: background only, and for ``q0`` the signal of strength 1; may be
        empty.
    fits : mapping of str to FitMinimumResult
        Fits of the data: ``free``, ``conditional`` at the tested value, and ``alternative``; toys
        are drawn at the last two.
    warnings : tuple of str
    provenance : mapping
        Version, backend and device that made it.
    """

    study: Mapping[str, Any]
    q: float
    mu_hat: float
    sb: ToyEnsemble
    b: ToyEnsemble
    fits: Mapping[str, FitMinimumResult]
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mu(self) -> float:
        """The tested value."""
        return float(self.study["mu"])

    @property
    def test_stat(self) -> str:
        return str(self.study["test_stat"])

    @property
    def p_value(self) -> float:
        """Probability, under the tested hypothesis, of toys at least as extreme as the data."""
        return self.sb.tail(self.q)[0]

    @property
    def p_value_error(self) -> float:
        """Binomial standard error of `p_value`."""
        return self.sb.tail(self.q)[1]

    @property
    def clsb(self) -> float:
        """Another name of `p_value`."""
        return self.p_value

    @property
    def clsb_error(self) -> float:
        return self.p_value_error

    @property
    def clb(self) -> float | None:
        """The same under the alternative; None without its toys, and for statistics without CLs."""
        return self.b.tail(self.q)[0] if self._has_cls else None

    @property
    def clb_error(self) -> float | None:
        return self.b.tail(self.q)[1] if self._has_cls else None

    @property
    def cls(self) -> float | None:
        """``CLsb / CLb``, at most 1; None where there is no `clb`."""
        clb = self.clb
        return None if clb is None else min(self.clsb / clb, 1.0)

    @property
    def cls_error(self) -> float | None:
        """Standard error of the ratio of two independent binomial fractions."""
        if not self._has_cls:
            return None
        (clsb, clsb_error), (clb, clb_error) = self.sb.tail(self.q), self.b.tail(self.q)
        return clsb / clb * hypot(clsb_error / clsb, clb_error / clb)

    @property
    def expected_cls(self) -> FloatArray | None:
        """CLs of background-only toys: quantiles, shape (5,), ascending.

        They belong to upward fluctuations of the best fit by 2, 1, 0, -1 and -2 standard
        deviations.
        """
        if not self._has_cls or not self.b.n_valid:
            return None
        q = self.b.q[self.b.valid]
        return _bands(np.minimum(self.sb.tails(q) / self.b.tails(q), 1.0))

    @property
    def expected_p(self) -> FloatArray | None:
        """The same of `p_value`, if the toys are those of the alternative."""
        if not self.b.n_valid:
            return None
        return _bands(self.sb.tails(self.b.q[self.b.valid]))

    @property
    def _has_cls(self) -> bool:
        return self.test_stat in _ONE_SIDED and len(self.b) > 0

    @staticmethod
    def merge(*parts: ToyHypotestResult) -> ToyHypotestResult:
        """All toys of several shards of one study.

        Raises
        ------
        InputError
            If the shards are of different studies, or share toys.
        """
        if not parts:
            raise InputError("there is nothing to merge: no results were given")
        first = parts[0]
        for number, part in enumerate(parts[1:], 1):
            for key, value in first.study.items():
                if part.study.get(key) != value:
                    raise InputError(
                        f"results 0 and {number} are of different studies: `{key}` is {value!r} "
                        f"and {part.study.get(key)!r}"
                    )
        return replace(
            first,
            sb=ToyEnsemble.merged([part.sb for part in parts]),
            b=ToyEnsemble.merged([part.b for part in parts]),
            warnings=tuple(dict.fromkeys(line for part in parts for line in part.warnings)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, without the toys; see `save` for these.

        An infinite test statistic is null.
        """
        expected = self.expected_cls
        return {
            "mu_test": self.mu,
            "cls": self.cls,
            "clsb": self.clsb,
            "clb": self.clb,
            "q_obs": self.q if isfinite(self.q) else None,
            "mu_hat": self.mu_hat,
            "n_toys_b": len(self.b),
            "n_toys_sb": len(self.sb),
            "n_error_b": self.b.n_error,
            "n_error_sb": self.sb.n_error,
            "n_nonconverged_b": self.b.n_nonconverged,
            "n_nonconverged_sb": self.sb.n_nonconverged,
            "expected": None if expected is None else expected.tolist(),
            "cls_error": self.cls_error,
            "clsb_error": self.clsb_error,
            "clb_error": self.clb_error,
            "study": dict(self.study),
            "warnings": list(self.warnings),
            "provenance": dict(self.provenance),
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything, toys included, to a file of NumPy's format ``npz``, in one step."""
        write_toy_test(path, self)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> ToyHypotestResult:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If there is no such file.
        FormatError
            If it is no saved test, or damaged.
        """
        return cls(**read_toy_test(path))

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(), *self._remarks()])

    def _repr_html_(self) -> str:
        lines = map(paragraph, self._remarks())
        return block(paragraph(self._headline()), self._table().html(), *lines)

    def _headline(self) -> str:
        return f"Test of mu = {self.mu:.6g} with toys: {self.test_stat} = {self.q:.6g}, " + (
            f"mu_hat = {self.mu_hat:.6g}"
        )

    def _table(self) -> Table:
        rows = []
        for name in ("cls", "clsb", "clb") if self._has_cls else ("p_value",):
            value, error = getattr(self, name), getattr(self, f"{name}_error")
            toys = {"clb": f"{self.b.n_valid}", "cls": f"{self.sb.n_valid} + {self.b.n_valid}"}
            rows.append(
                (name, f"{value:.5g}", f"{error:.2g}", toys.get(name, f"{self.sb.n_valid}"))
            )
        return Table(("", "value", "error", "toys"), "lrrr", rows)

    def _remarks(self) -> list[str]:
        lines = []
        for name, ensemble in (("s+b", self.sb), ("b", self.b)):
            out = len(ensemble) - ensemble.n_valid
            if out:
                why = ", ".join(f"{reason} {n}" for reason, n in ensemble.failures.items())
                lines.append(f"{out} of {len(ensemble)} {name} toys are left out: {why}")
        return [*lines, *(f"warning: {warning}" for warning in self.warnings)]


def _bands(values: FloatArray) -> FloatArray:
    """Values at the quantiles that belong to -2, ..., 2 standard deviations, ascending."""
    return read_only_floats("bands", np.quantile(values, _QUANTILES), (len(_QUANTILES),))
