"""Environments for agents that move yields keep the contract of gymnasium.

Episodes end where they should, a seed repeats them bit for bit, all copies of a batch are evaluated
together, and an agent that looks for the next better step gets further than chance.
"""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from nextstat_core.testing import generate_workspace, uncorrelated
from nextstat_gym import ENV_ID, HistFactoryEnv, hill_climb, random_agent

METRICS = ["nll", "q0", "z0", "qmu", "zmu"]


def place(data=(5.0, 10.0)):
    """Arguments of the smallest environment."""
    return {
        "workspace_json": uncorrelated(data, [50.0, 60.0], [5.0, 6.0], [53.0, 65.0]),
        "channel": "singlechannel",
        "sample": "signal",
    }


@pytest.fixture
def simple():
    return place()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("data", [(5.0, 10.0), (0.0, 10.0)], ids=["filled", "a zero bin"])
def test_gymnasium_finds_nothing_wrong(metric, data):
    env = HistFactoryEnv(**place(data), reward_metric=metric, max_steps=5)
    check_env(env, skip_render_check=True)


def test_an_episode_is_truncated_after_its_steps(simple):
    env = HistFactoryEnv(**simple, max_steps=3)
    for _ in range(2):
        env.reset()
        ends = [env.step(np.zeros(2))[2:4] for _ in range(3)]
        assert ends == [(False, False), (False, False), (False, True)]


@pytest.mark.parametrize("metric", ["nll", "zmu"])
def test_a_seed_gives_the_same_episode_bit_for_bit(simple, metric):
    env = HistFactoryEnv(**simple, reward_metric=metric, init_noise=0.2)

    def episode():
        first, info = env.reset(seed=11)
        assert info == {"seed": 11}
        steps = [env.step(env.action_space.sample())[:2] for _ in range(5)]
        return [first, *(part for step in steps for part in step)]

    first, again = episode(), episode()
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], [5.0, 10.0])
    assert not np.array_equal(env.reset()[0], env.reset()[0])


@pytest.mark.parametrize("metric", ["q0", "z0", "qmu"])
def test_a_step_of_many_copies_asks_as_often_as_one_of_few(evaluations, metric):
    # Interpolated normalisations: no closed form, the likelihood itself is asked.
    workspace = generate_workspace(5, n_channels=2, n_bins=3, n_normsys=2, staterror=True)
    copies = {"workspace_json": workspace, "channel": "channel_1", "sample": "signal"}
    asked = []
    for count in (4, 64):
        env = gymnasium.make_vec(ENV_ID, num_envs=count, **copies, reward_metric=metric)
        env.reset(seed=0)
        evaluations.forget()
        env.step(np.tile([0.1, -0.1, 0.05], (count, 1)))
        # Every evaluation is one of all copies.
        assert evaluations.rows
        assert min(evaluations.rows) >= count
        asked.append(len(evaluations))
    assert asked[1] <= asked[0] + 2


@pytest.mark.parametrize("metric", ["nll", "z0"])
def test_climbing_gets_higher_than_chance(simple, metric):
    env = HistFactoryEnv(**simple, reward_metric=metric, max_steps=100)
    climbed, chance = hill_climb(env, seed=3), random_agent(env, seed=3)
    assert climbed.rewards.shape == chance.rewards.shape == (100,)
    assert climbed.best_reward > max(chance.best_reward, climbed.rewards[0])
