"""What an environment is made of: a sample of a model, how actions move it, what it earns."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.models import HistFactoryModel, ModelInputs
from nextstat_gym.likelihood import FixedLikelihood
from nextstat_gym.nearby import NearbyTests

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["ActionMode", "RewardMetric", "Rewards", "Setting"]

RewardMetric = Literal["nll", "q0", "z0", "qmu", "zmu"]
ActionMode = Literal["logmul", "add"]


@dataclass(frozen=True, slots=True)
class Rewards:
    """Rewards of rows, and what they were made of.

    Attributes
    ----------
    reward : float array, shape (rows,)
    parts : dict of str to float or bool array, shape (rows,)
        ``nll``, or ``q0`` and ``z0``, or ``qmu`` and ``zmu``; and whether fits ``converged``.
    """

    reward: NDArray[np.float64]
    parts: dict[str, NDArray[Any]]


class Setting:
    """Arguments of an environment, checked, and what follows from them.

    Attributes
    ----------
    base : float array, shape (bins,)
        The sample's own yields, inside the limits: where episodes start.
    lowest, highest : float arrays, shape (bins,)
    """

    def __init__(
        self,
        workspace: Any,
        channel: str,
        sample: str,
        *,
        reward_metric: RewardMetric,
        mu_test: float,
        max_steps: int,
        action_scale: float,
        action_mode: ActionMode,
        init_noise: float,
        clip_min: float,
        clip_max: float,
        fixed_params: ArrayLike | None,
    ) -> None:
        _choice("reward_metric", reward_metric, get_args(RewardMetric))
        _choice("action_mode", action_mode, get_args(ActionMode))
        _at_least("max_steps", max_steps, 1)
        _above("action_scale", action_scale, 0.0)
        _at_least("init_noise", init_noise, 0.0)
        _above("clip_min", clip_min, 0.0)
        _above("clip_max", clip_max, clip_min)
        if reward_metric in ("qmu", "zmu"):
            _at_least("mu_test", mu_test, 0.0)
        model = (
            workspace
            if isinstance(workspace, HistFactoryModel)
            else HistFactoryModel.from_workspace(workspace)
        )
        self.metric, self.max_steps = reward_metric, int(max_steps)
        self.init_noise = float(init_noise)
        inputs = ModelInputs(model, [(channel, sample)])
        bins = inputs.size
        self.lowest, self.highest = np.full(bins, float(clip_min)), np.full(bins, float(clip_max))
        self.base = np.clip(inputs.values, clip_min, clip_max)
        if not np.array_equal(self.base, inputs.values):
            # A bin without yields is no part of the model; episodes give it some.
            inputs = ModelInputs(inputs.changed(self.base), [(channel, sample)])
        self._scale, self._multiply = np.full(bins, float(action_scale)), action_mode == "logmul"
        self._likelihood: FixedLikelihood | None = None
        self._tests: NearbyTests | None = None
        if reward_metric == "nll":
            theta = model.suggested_init() if fixed_params is None else fixed_params
            self._likelihood = FixedLikelihood(inputs, theta, self.lowest)
        else:
            if fixed_params is not None:
                raise InputError(f"`fixed_params` are for the reward nll; found {reward_metric!r}")
            discovery = reward_metric in ("q0", "z0")
            self._tests = NearbyTests(
                inputs,
                "q0" if discovery else "qtilde",
                0.0 if discovery else float(mu_test),
                self.base,
            )
        self._names = ("q0", "z0") if reward_metric in ("q0", "z0") else ("qmu", "zmu")

    def start(self, generator: np.random.Generator) -> NDArray[np.float64]:
        """Yields at the start of an episode, shape (bins,)."""
        if self.init_noise == 0.0:
            return self.base
        factors = np.exp(generator.normal(0.0, self.init_noise, self.base.shape))
        return np.clip(self.base * factors, self.lowest, self.highest)

    def moved(self, yields: NDArray[np.float64], action: Any) -> NDArray[np.float64]:
        """Yields after an action, both of shape (bins,) or (rows, bins).

        Raises
        ------
        InputError
            If the action has another shape.
        """
        moves = np.asarray(action, dtype=np.float64)
        if moves.shape != yields.shape:
            raise InputError(f"an action has shape {moves.shape}; expected {yields.shape}")
        found = moves * self._scale
        if self._multiply:
            np.exp(found, out=found)
            found *= yields
        else:
            found += yields
        np.maximum(found, self.lowest, out=found)
        np.minimum(found, self.highest, out=found)
        return found

    def value(self, yields: NDArray[np.float64]) -> tuple[float, dict[str, Any]]:
        """Reward of one row, shape (bins,), and what it was made of.

        Raises
        ------
        InputError
            If the reward is not finite, which comes of an action that is not.
        """
        if self._likelihood is not None:
            reward = -float(self._likelihood.of(yields))
            parts: dict[str, Any] = {"reward_metric": "nll", "nll": -reward}
        else:
            assert self._tests is not None
            _refuse_non_finite(yields)
            q, converged = self._tests.one(yields)
            root = sqrt(q)
            chosen = q if self.metric in ("q0", "qmu") else root
            first, second = self._names
            reward = chosen if first == "q0" else -chosen
            parts = {"reward_metric": self.metric, first: q, second: root, "converged": converged}
        if not isfinite(reward):
            raise InputError(f"the reward is {reward}; expected actions that are finite")
        return reward, parts

    def values(self, yields: NDArray[np.float64]) -> Rewards:
        """Rewards of all rows, shape (rows, bins), in one batch."""
        if self._likelihood is not None:
            nll = self._likelihood.of(yields)
            return Rewards(-nll, {"nll": nll})
        assert self._tests is not None
        _refuse_non_finite(yields)
        q, converged = self._tests.at(yields)
        root = np.sqrt(q)
        chosen = q if self.metric in ("q0", "qmu") else root
        first, second = self._names
        parts = {first: q, second: root, "converged": converged}
        return Rewards(chosen if first == "q0" else -chosen, parts)

    def restart(self, rows: NDArray[np.intp] | None = None) -> None:
        """Forget earlier fits (of some rows), so that an episode does not depend on the last."""
        if self._tests is not None:
            self._tests.restart(rows)


def _refuse_non_finite(yields: NDArray[np.float64]) -> None:
    if not np.isfinite(yields).all():
        raise InputError("an action is not finite")


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError.unknown(f"`{name}`", value, list(known))


def _above(name: str, value: float, limit: float) -> None:
    if not limit < value < float("inf"):
        raise InputError(f"`{name}` is {value!r}; expected a number above {limit:g}")


def _at_least(name: str, value: float, limit: float) -> None:
    if not limit <= value < float("inf"):
        raise InputError(f"`{name}` is {value!r}; expected a number of {limit:g} or more")
