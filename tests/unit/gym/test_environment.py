"""One environment: gymnasium's contract, rewards against models written again, errors."""

import copy
import math

import gymnasium
import numpy as np
import pytest

import nextstat.gym
from nextstat_core.errors import InputError
from nextstat_core.infer import hypotest
from nextstat_core.models import HistFactoryModel
from nextstat_gym import ENV_ID, HistFactoryEnv, make_histfactory_env

METRICS = ["nll", "q0", "z0", "qmu", "zmu"]


def written_again(place, yields):
    """The model of the workspace with these yields."""
    workspace = copy.deepcopy(place["workspace_json"])
    for channel in workspace["channels"]:
        for sample in channel["samples"]:
            if (channel["name"], sample["name"]) == (place["channel"], place["sample"]):
                sample["data"] = list(yields)
    return HistFactoryModel.from_workspace(workspace)


def test_gymnasium_makes_it_by_its_name(simple):
    env = gymnasium.make(f"nextstat_gym:{ENV_ID}", **simple, reward_metric="z0", max_steps=3)
    observation, _ = env.reset(seed=1)
    assert observation.tolist() == [5.0, 10.0]
    assert isinstance(env.unwrapped, nextstat.gym.HistFactoryEnv)


@pytest.mark.parametrize("mode", ["logmul", "add"])
def test_actions_move_yields_and_limits_stop_them(simple, mode):
    env = HistFactoryEnv(**simple, action_mode=mode, action_scale=0.5, clip_min=4.9, clip_max=10.4)
    env.reset()
    action = np.array([0.1, 1.0])
    observation = env.step(action)[0]
    moved = [5.0, 10.0] * np.exp(0.5 * action) if mode == "logmul" else [5.0, 10.0] + 0.5 * action
    np.testing.assert_allclose(observation, np.clip(moved, 4.9, 10.4), rtol=1e-15)
    assert observation[1] == 10.4
    assert env.step(np.array([-9.0, 0.0]))[0][0] == 4.9


def test_the_likelihood_is_that_of_the_workspace_written_again(place):
    env = make_histfactory_env(**place, action_scale=0.3, max_steps=4)
    model = env.unwrapped._setting._likelihood._inputs.model
    rng = np.random.default_rng(3)
    theta = np.asarray(model.suggested_init()) * rng.uniform(0.9, 1.1, model.n_params())
    for point in (None, theta):
        env = HistFactoryEnv(**place, action_scale=0.3, fixed_params=point)
        env.reset(seed=2)
        for _ in range(3):
            yields, reward, *_, info = env.step(env.action_space.sample())
            again = written_again(place, yields)
            expected = again.nll(again.suggested_init() if point is None else point)
            assert reward == -info["nll"] == pytest.approx(-expected, rel=1e-12)


@pytest.mark.parametrize("metric", ["q0", "z0", "qmu", "zmu"])
def test_tests_are_those_of_the_workspace_written_again(place, metric):
    env = HistFactoryEnv(**place, action_scale=0.3, reward_metric=metric, mu_test=2.5)
    env.reset(seed=5)
    for _ in range(6):
        yields, reward, *_, info = env.step(env.action_space.sample())
        test = ("q0", 0.0) if metric in ("q0", "z0") else ("qtilde", 2.5)
        expected = hypotest(written_again(place, yields), test[1], test_stat=test[0]).q
        assert info["converged"]
        q, root = (info[name] for name in (("q0", "z0") if test[0] == "q0" else ("qmu", "zmu")))
        assert q == pytest.approx(expected, rel=1e-7, abs=1e-7)
        assert root == math.sqrt(q)
        sign = 1.0 if test[0] == "q0" else -1.0
        assert reward == sign * (q if metric in ("q0", "qmu") else root)


def test_the_start_of_a_published_example_has_its_published_significance(simple):
    env = HistFactoryEnv(**simple, reward_metric="z0", action_scale=1e-9)
    env.reset()
    # Of the reference's tool goldens.
    assert env.step(np.zeros(2))[1] == pytest.approx(0.6044675, abs=1e-6)


def test_the_form_of_older_learners_has_four_values(simple):
    env = HistFactoryEnv(**simple, max_steps=2, legacy=True)
    assert env.reset(3).tolist() == [5.0, 10.0]
    observation, reward, done, info = env.step(np.zeros(2))
    assert (observation.shape, reward, done) == ((2,), -info["nll"], False)
    assert env.step(np.zeros(2))[2] is True


def test_observations_are_the_callers_own(simple):
    env = HistFactoryEnv(**simple)
    env.reset()[0][:] = 0.0
    env.step(np.zeros(2))[0][:] = 0.0
    assert env.step(np.zeros(2))[0].tolist() == [5.0, 10.0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reward_metric": "z1"}, "reward_metric"),
        ({"action_mode": "mul"}, "logmul"),
        ({"max_steps": 0}, "max_steps"),
        ({"action_scale": 0.0}, "action_scale"),
        ({"action_scale": math.nan}, "action_scale"),
        ({"init_noise": -1.0}, "init_noise"),
        ({"clip_min": 0.0}, "clip_min"),
        ({"clip_min": 2.0, "clip_max": 1.0}, "clip_max"),
        ({"reward_metric": "qmu", "mu_test": -1.0}, "mu_test"),
        ({"channel": "CR"}, "CR"),
        ({"sample": "data"}, "data"),
        ({"fixed_params": [1.0]}, "fixed_params"),
        ({"fixed_params": [1.0, math.nan, 1.0]}, "fixed_params"),
        ({"fixed_params": [1.0, 1.0, 1.0], "reward_metric": "q0"}, "fixed_params"),
    ],
)
def test_arguments_that_make_no_environment_are_refused(simple, changes, words):
    with pytest.raises(InputError, match=words):
        HistFactoryEnv(**{**simple, **changes})


@pytest.mark.parametrize("metric", ["nll", "z0"])
def test_a_refused_action_moves_nothing(simple, metric):
    env = HistFactoryEnv(**simple, reward_metric=metric)
    env.reset()
    with pytest.raises(InputError, match=r"\(3,\); expected \(2,\)"):
        env.step(np.zeros(3))
    with pytest.raises(InputError, match="finite"):
        env.step(np.array([0.0, math.nan]))
    assert env.step(np.zeros(2))[0].tolist() == [5.0, 10.0]
