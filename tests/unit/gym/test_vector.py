"""Copies in one batch: the same as environments one by one."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from nextstat_core.errors import InputError
from nextstat_core.infer import InputTests
from nextstat_gym import ENV_ID, HistFactoryEnv, HistFactoryVectorEnv


def make(count, **arguments):
    return gymnasium.make_vec(ENV_ID, num_envs=count, **arguments)


def test_gymnasium_makes_the_batch_and_knows_when_it_begins_again(simple):
    env = make(4, **simple)
    assert isinstance(env, HistFactoryVectorEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert env.observation_space.shape == env.action_space.shape == (4, 2)


@pytest.mark.parametrize("metric", ["nll", "z0", "qmu"])
def test_a_batch_is_environments_one_by_one_through_their_ends(place, metric):
    arguments = {
        **place, "reward_metric": metric, "mu_test": 3.0, "max_steps": 3, "init_noise": 0.1,
        "action_scale": 0.2,
    }  # fmt: skip
    together = make(5, **arguments)
    alone = SyncVectorEnv([lambda: HistFactoryEnv(**arguments)] * 5)
    starts = [env.reset(seed=4)[0] for env in (together, alone)]
    np.testing.assert_array_equal(*starts)
    rng = np.random.default_rng(1)
    for _ in range(9):
        actions = rng.uniform(-1.0, 1.0, together.action_space.shape)
        found, expected = together.step(actions), alone.step(actions)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-14)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-7, atol=1e-5)
        np.testing.assert_array_equal(found[2], expected[2])
        np.testing.assert_array_equal(found[3], expected[3])
        for name in found[4].keys() & expected[4].keys() - {"reward_metric"}:
            mask = expected[4].get(f"_{name}", True)
            np.testing.assert_allclose(
                found[4][name][mask], expected[4][name][mask], rtol=1e-7, atol=1e-5
            )


@pytest.mark.parametrize(("metric", "fits"), [("z0", 1), ("zmu", 2)])
def test_all_copies_are_one_batch(luminosity, monkeypatch, metric, fits):
    env = make(16, **luminosity, reward_metric=metric)
    env.reset(seed=0)
    rows = []
    compiled = type(env._setting._tests._compiled)
    original = compiled.evaluate

    def counted(self, theta, *arguments, **options):
        rows.append(theta.shape[1])
        return original(self, theta, *arguments, **options)

    monkeypatch.setattr(compiled, "evaluate", counted)
    env.step(np.full((16, 2), 0.1))
    # All fits of all copies in each evaluation, and few of these. That without signal is done.
    assert set(rows) == {16 * fits}
    assert len(rows) <= 6


def test_rows_that_do_not_converge_nearby_are_tested_from_scratch(simple):
    env = make(3, **simple, reward_metric="q0", action_mode="add", action_scale=1.0)
    env.reset(seed=0)
    far, start = np.array([[0.0, 0.0], [4e3, -9.99], [0.0, 500.0]]), np.array([5.0, 10.0])
    _, reward, *_, info = env.step(far)
    tests = env._setting._tests
    expected = InputTests(tests._inputs, test_stat="q0").at(
        np.maximum(far + start, 1e-12), np.zeros(1)
    )
    np.testing.assert_allclose(reward, expected.tested.q, rtol=1e-7, atol=1e-7)
    assert info["converged"].tolist() == expected.tested.converged.tolist()


def test_seeds_are_one_for_each_copy(simple):
    env = make(3, **simple, init_noise=0.3)
    first = env.reset(seed=[7, None, 9])[0]
    again = env.reset(seed=[7, None, 9])[0]
    np.testing.assert_array_equal(first == again, [[True] * 2, [False] * 2, [True] * 2])
    with pytest.raises(InputError, match="seed"):
        env.reset(seed=[1])


@pytest.mark.parametrize("metric", ["nll", "z0"])
def test_refused_actions_move_nothing(simple, metric):
    env = make(2, **simple, reward_metric=metric)
    env.reset()
    with pytest.raises(InputError, match="shape"):
        env.step(np.zeros((3, 2)))
    with pytest.raises(InputError, match="finite"):
        env.step(np.full((2, 2), np.nan))
    assert env.step(np.zeros((2, 2)))[0].tolist() == [[5.0, 10.0]] * 2


def test_a_batch_has_a_copy(simple):
    with pytest.raises(InputError, match="num_envs"):
        HistFactoryVectorEnv(0, **simple)
