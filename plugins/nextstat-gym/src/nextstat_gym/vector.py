"""Many copies of an environment, evaluated as one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from nextstat_core.errors import InputError
from nextstat_gym.environment import spaces_of
from nextstat_gym.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike
    from nextstat_gym.setting import ActionMode, RewardMetric

__all__ = ["HistFactoryVectorEnv"]


class HistFactoryVectorEnv(gymnasium.vector.VectorEnv[Any, Any, Any]):
    """Copies of `HistFactoryEnv` with the same arguments, whose rewards are one batch.

    A copy whose episode was truncated begins the next one at the next step (the mode
    ``NEXT_STEP``): its action is ignored and its reward is 0 then.

    Parameters
    ----------
    num_envs : int
    workspace_json, channel, sample, ...
        As `HistFactoryEnv`.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        workspace_json: Any,
        channel: str,
        sample: str,
        reward_metric: RewardMetric = "nll",
        mu_test: float = 5.0,
        max_steps: int = 128,
        action_scale: float = 0.05,
        action_mode: ActionMode = "logmul",
        init_noise: float = 0.0,
        clip_min: float = 1e-12,
        clip_max: float = 1e12,
        fixed_params: ArrayLike | None = None,
        render_mode: None = None,
    ) -> None:
        if num_envs < 1:
            raise InputError(f"`num_envs` is {num_envs}; expected 1 or more")
        self._setting = Setting(
            workspace_json,
            channel,
            sample,
            reward_metric=reward_metric,
            mu_test=mu_test,
            max_steps=max_steps,
            action_scale=action_scale,
            action_mode=action_mode,
            init_noise=init_noise,
            clip_min=clip_min,
            clip_max=clip_max,
            fixed_params=fixed_params,
        )
        self.metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}
        self.num_envs, self.render_mode = num_envs, render_mode
        self.single_observation_space, self.single_action_space = spaces_of(self._setting)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._generators = [np.random.default_rng() for _ in range(num_envs)]
        self._yields = np.repeat(self._setting.base[None, :], num_envs, axis=0)
        self._taken = np.zeros(num_envs, dtype=np.int64)
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        self._every = np.ones(num_envs, dtype=np.bool_)

    def reset(
        self,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Begin all episodes.

        Parameters
        ----------
        seed : int or sequence of int or None, optional
            Of each copy; one number counts up from copy to copy.
        """
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
        if seeds is not None:
            if len(seeds) != self.num_envs:
                raise InputError.length("seed", self.num_envs, len(seeds))
            for i, each in enumerate(seeds):
                if each is not None:
                    self._generators[i] = np.random.default_rng(each)
        self._setting.restart()
        self._yields = np.stack([self._setting.start(each) for each in self._generators])
        self._taken[:] = 0
        self._ended[:] = False
        return self._yields.copy(), {}

    def step(
        self, actions: Any
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        dict[str, Any],
    ]:
        """Move the yields of all copies.

        Parameters
        ----------
        actions : array-like, shape (num_envs, bins)

        Raises
        ------
        InputError
            If actions have another shape, or entries that are not finite; nothing is moved then.
        """
        setting, ended = self._setting, self._ended
        moved = setting.moved(self._yields, actions)
        again = bool(ended.any())
        if again:
            rows = np.flatnonzero(ended)
            moved[rows] = [setting.start(self._generators[row]) for row in rows]
            setting.restart(rows)
        found = setting.values(moved)
        reward = found.reward
        if not np.isfinite(reward).all():
            raise InputError("a reward is not finite; expected actions that are finite")
        self._yields = moved
        self._taken += 1
        mask = self._every
        if again:
            reward[rows], self._taken[rows] = 0.0, 0
            mask = ~ended
        self._ended = self._taken >= setting.max_steps
        info: dict[str, Any] = {}
        for name, values in found.parts.items():
            info[name], info[f"_{name}"] = values, mask.copy()
        none = np.zeros(self.num_envs, dtype=np.bool_)
        return moved.copy(), reward, none, self._ended.copy(), info
