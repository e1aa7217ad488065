"""Two agents to compare others with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import gymnasium
    from numpy.typing import NDArray

__all__ = ["Episode", "hill_climb", "random_agent"]


@dataclass(frozen=True, slots=True)
class Episode:
    """What an agent met in one episode.

    Attributes
    ----------
    rewards : float array, shape (steps,)
    best_observation : array
        Where the highest reward was.
    """

    rewards: NDArray[np.float64]
    best_observation: NDArray[Any]

    @property
    def best_reward(self) -> float:
        return float(self.rewards.max())


def random_agent(env: gymnasium.Env[Any, Any], *, seed: int = 0) -> Episode:
    """Take actions at random, evenly in the box, until the episode ends.

    Parameters
    ----------
    env : gymnasium.Env
        With a box of actions that is symmetric around zero.
    seed : int
        Of the environment, and of the actions.
    """
    generator = np.random.default_rng(seed)
    high = _box(env)
    return _play(env, seed, lambda _: generator.uniform(-high, high))


def hill_climb(env: gymnasium.Env[Any, Any], *, seed: int = 0) -> Episode:
    """Keep a random move where it raised the reward, and take it back where it did not.

    Moves are drawn in half of the box, so that one action takes the last one back and tries the
    next. Good for environments in which opposite actions cancel. Arguments as `random_agent`.
    """
    generator = np.random.default_rng(seed)
    half = 0.5 * _box(env)
    best, last = -np.inf, np.zeros_like(half)

    def action(reward: float) -> NDArray[np.float64]:
        nonlocal best, last
        back = 0.0 if reward > best else 1.0
        best = max(best, reward)
        move = generator.uniform(-half, half)
        total: NDArray[np.float64] = move - back * last
        last = move
        return total

    return _play(env, seed, action)


def _box(env: gymnasium.Env[Any, Any]) -> NDArray[np.float64]:
    high: NDArray[np.float64] = env.action_space.high  # type: ignore[attr-defined]  # a box
    return high


def _play(
    env: gymnasium.Env[Any, Any], seed: int, action: Callable[[float], NDArray[np.float64]]
) -> Episode:
    observation, _ = env.reset(seed=seed)
    rewards: list[float] = []
    best, where, reward, over = -np.inf, observation, -np.inf, False
    while not over:
        observation, value, terminated, truncated, _ = env.step(action(reward))
        reward, over = float(value), terminated or truncated
        rewards.append(reward)
        if reward > best:
            best, where = reward, observation
    return Episode(np.asarray(rewards), where)
