"""One environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from nextstat_gym.setting import Setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike
    from nextstat_gym.setting import ActionMode, RewardMetric

__all__ = ["HistFactoryEnv", "make_histfactory_env", "spaces_of"]


class HistFactoryEnv(gymnasium.Env[Any, Any]):
    """Move one sample's nominal yields, and earn what the model then says.

    Observations are the yields, shape (bins,). An action a in [-1, 1] per bin makes them
    ``s exp(scale a)`` (``logmul``) or ``s + scale a`` (``add``), inside the limits; actions
    outside of the box are taken as they are. Episodes have no end of their own: they are truncated
    after `max_steps`.

    Parameters
    ----------
    workspace_json : str, bytes, mapping, path or HistFactoryModel
        A pyhf workspace, or a model that was read.
    channel, sample : str
        Whose yields are moved. Templates, uncertainties and data stay as they are, as if the
        workspace were written again.
    reward_metric : {"nll", "q0", "z0", "qmu", "zmu"}
        Reward: minus the negative log-likelihood at fixed parameters; the test statistic of a
        discovery, or its root; minus that of the signal `mu_test` (with a best fit that is not
        negative), or minus its root.
    mu_test : float
        Signal that ``qmu`` and ``zmu`` test.
    max_steps : int
    action_scale : float
        Largest relative move (``logmul``) or absolute move in counts (``add``) of a step.
    action_mode : {"logmul", "add"}
    init_noise : float
        Width of the logarithm of random factors on the yields at the start of an episode.
    clip_min, clip_max : float
        Limits of yields, in counts. The lower one is above zero, so empty bins start there.
    fixed_params : array-like, shape (n_params,), optional
        Where ``nll`` is evaluated; the model's start values if left out.
    legacy : bool
        Whether `reset` returns the observation alone, and `step` four values (observation, reward,
        done, info), as Gym before its release 0.26.
    render_mode : None
        There is nothing to see.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    ModelError, FormatError
        If `workspace_json` describes no usable model.
    MissingPOIError
        If a test is to be rewarded and the model has no parameter of interest.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  as the base class has it

    def __init__(
        self,
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
        legacy: bool = False,
        render_mode: None = None,
    ) -> None:
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
        self.render_mode = render_mode
        self.observation_space, self.action_space = spaces_of(self._setting)
        self._legacy = legacy
        self._yields = self._setting.base
        self._taken = 0

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode; `seed` also seeds the action space.

        Returns
        -------
        (observation, info)
            The info holds the seed. With `legacy` the observation alone.
        """
        super().reset(seed=seed, options=options)
        if seed is not None:
            self.action_space.seed(seed)
        self._yields, self._taken = self._setting.start(self.np_random), 0
        self._setting.restart()
        observation = self._yields.copy()
        return observation if self._legacy else (observation, {"seed": seed})

    def step(self, action: Any) -> Any:
        """Move the yields.

        Parameters
        ----------
        action : array-like, shape (bins,)

        Returns
        -------
        (observation, reward, terminated, truncated, info)
            The info names the metric, its value, and for tests whether the fits converged. With
            `legacy`: (observation, reward, done, info).

        Raises
        ------
        InputError
            If the action has another shape, or entries that are not finite; nothing is moved then.
        """
        setting = self._setting
        moved = setting.moved(self._yields, action)
        reward, info = setting.value(moved)
        self._yields = moved
        self._taken += 1
        truncated = self._taken >= setting.max_steps
        if self._legacy:
            return moved.copy(), reward, truncated, info
        return moved.copy(), reward, False, truncated, info


def make_histfactory_env(
    workspace_json: Any,
    *,
    channel: str,
    sample: str,
    reward_metric: RewardMetric = "nll",
    **options: Any,
) -> HistFactoryEnv:
    """Make a `HistFactoryEnv`; `options` are its other arguments."""
    return HistFactoryEnv(
        workspace_json=workspace_json,
        channel=channel,
        sample=sample,
        reward_metric=reward_metric,
        **options,
    )


def spaces_of(setting: Setting) -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Box]:
    """Observations and actions of one environment."""
    observations = gymnasium.spaces.Box(setting.lowest, setting.highest, dtype=np.float64)
    ones: NDArray[np.float64] = np.ones(setting.base.shape)
    return observations, gymnasium.spaces.Box(-ones, ones, dtype=np.float64)
