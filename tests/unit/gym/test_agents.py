"""Agents to compare with."""

import numpy as np
import pytest

from nextstat_gym import HistFactoryEnv, hill_climb, random_agent


@pytest.mark.parametrize("agent", [hill_climb, random_agent])
def test_the_best_observation_is_the_one_with_the_best_reward(simple, agent):
    env = HistFactoryEnv(**simple, reward_metric="nll", max_steps=30)
    episode = agent(env, seed=1)
    again = HistFactoryEnv(**simple, action_mode="add", action_scale=1.0)
    again.reset()
    reward = again.step(episode.best_observation - [5.0, 10.0])[1]
    assert reward == pytest.approx(episode.best_reward, rel=1e-12)


@pytest.mark.parametrize("agent", [hill_climb, random_agent])
def test_a_seed_repeats_an_episode(simple, agent):
    env = HistFactoryEnv(**simple, reward_metric="zmu", max_steps=10)
    np.testing.assert_array_equal(agent(env, seed=2).rewards, agent(env, seed=2).rewards)
    assert not np.array_equal(agent(env, seed=2).rewards, agent(env, seed=3).rewards)
