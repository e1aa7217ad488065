"""Derivatives with respect to the numbers of a model, against the model written again."""

import numpy as np
import pytest

from nextstat_core.errors import InputError, ModelError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import with_inputs
from nextstat_core.models import HistFactoryModel, ModelInputs
from nextstat_core.testing import generate_workspace
from nextstat_core.testing.differences import differences

RECIPE = {
    "n_channels": 2, "n_bins": 2, "n_samples": 3, "n_normsys": 1, "n_histosys": 2, "n_coupled": 1,
    "staterror": True, "shapesys": True, "lumi": True,
}  # fmt: skip
CODES = [None, {"histosys": "code0"}, {"histosys": "code2"}, {"histosys": "code2_pyhf"}]
TERMS = {
    "as they are": [],
    "poisson staterror": [{"name": "staterror_channel_0", "constraint": {"type": "Poisson"}}],
    "gaussian shapesys": [{"name": "shapesys_channel_0", "constraint": {"type": "Gaussian"}}],
    "given numbers": [
        {"name": "shapesys_channel_0", "auxdata": [30.0, 40.0]},
        {"name": "staterror_channel_0", "sigmas": [0.1, 0.2]},
    ],
    "given factors": [{"name": "shapesys_channel_0", "factors": [30.0, 40.0]}],
}


def model(terms=(), interpolation=None, backend=None, **changes):
    workspace = generate_workspace(11, **{**RECIPE, **changes})
    workspace["measurements"][0]["config"]["parameters"] += list(terms)
    return HistFactoryModel(read_pyhf(workspace, interpolation=interpolation), backend=backend)


def all_keys(one):
    """Every input of the first channel."""
    channel = one.ir.channels[0]
    keys = [(channel.name,)]
    for sample in channel.samples:
        keys.append((channel.name, sample.name))
        for modifier in sample.modifiers:
            place = (channel.name, sample.name, modifier.name)
            if modifier.kind == "histosys":
                keys += [(*place, "hi"), (*place, "lo")]
            if modifier.kind == "staterror":
                keys.append((channel.name, sample.name, "stat"))
            if modifier.kind == "shapesys":
                keys.append((*place, "variance"))
    return keys


def points(one, rows, seed=4):
    layout = one.compiled.layout
    rng = np.random.default_rng(seed)
    start = np.asarray(one.suggested_init())
    spread = np.where(layout.fixed, 0.0, 0.2 * rng.standard_normal((rows, len(start))))
    spread[:, np.isin(np.arange(len(start)), layout.gaussian)] *= 0.5
    return np.clip(start + spread, layout.lower + 1e-3, layout.upper)


@pytest.mark.parametrize(
    ("terms", "codes"), [*((t, None) for t in TERMS.values()), *(([], c) for c in CODES[1:])]
)
def test_the_gradient_is_that_of_the_model_written_again(terms, codes):
    one = model(terms, codes)
    inputs = ModelInputs(one, all_keys(one))
    theta = points(one, 2)
    found = inputs.gradient(theta)
    expected = differences(
        lambda x: [inputs.changed(x).nll(point) for point in theta],
        inputs.values,
        0.3 * inputs.values,
    )
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected.T, rtol=1e-7, atol=1e-8 * scale)


def test_responses_are_seen_by_templates():
    terms = [{"name": "histosys_0", "constraint": {"type": "LogNormal", "rel_uncertainty": 0.4}}]
    one = model(terms)
    keys = [key for key in all_keys(one) if key[-1] in ("hi", "lo")]
    inputs = ModelInputs(one, keys)
    theta = points(one, 1)
    expected = differences(
        lambda x: inputs.changed(x).nll(theta[0]), inputs.values, 0.3 * inputs.values
    )
    np.testing.assert_allclose(inputs.gradient(theta)[0], expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS.keys())
def test_rows_are_models_written_again(terms, backend):
    one = model(terms, backend=backend)
    keys = [key for key in all_keys(one) if len(key) < 3]
    inputs = ModelInputs(one, keys)
    rng = np.random.default_rng(6)
    vectors = inputs.values * rng.uniform(0.7, 1.4, (4, inputs.size))
    theta = points(one, 4)
    rows = inputs.rows(vectors)
    compiled, backend = one.compiled, one.backend
    observed = compiled.observe(
        rows.main.T.copy(),
        width=rows.width.T.copy(),
        aux_factor=rows.factor.T.copy(),
        aux_count=rows.count.T.copy(),
    )
    nominal = backend.asarray(rows.yields.T.copy())
    at = compiled.evaluate(backend.asarray(theta.T.copy()), observed, 0, nominal=nominal)
    found = backend.to_numpy(at.nll) + compiled.constant(observed)
    expected = [inputs.changed(x).nll(t) for x, t in zip(vectors, theta, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    slopes = inputs.gradient(theta, rows)
    alone = [
        ModelInputs(inputs.changed(x), keys).gradient(t[None, :])[0]
        for x, t in zip(vectors, theta, strict=True)
    ]
    np.testing.assert_allclose(slopes, alone, rtol=1e-10, atol=1e-10)


def test_bins_without_yields_are_held():
    one = model()
    channel = one.ir.channels[0]
    owner = next(s for s in channel.samples if any(m.kind == "shapesys" for m in s.modifiers))
    inputs = ModelInputs(one, [(channel.name, owner.name)])
    vectors = np.repeat(inputs.values[None, :], 2, axis=0)
    vectors[1, 1] = 0.0
    rows = inputs.rows(vectors)
    names = np.asarray(one.parameter_names())
    assert not rows.idle[0].any()
    assert names[rows.idle[1]].tolist() == ["shapesys_channel_0[1]"]
    assert (
        inputs.changed(vectors[1])
        .ir.parameters[one.parameter_names().index("shapesys_channel_0[1]")]
        .fixed
    )


def test_pulling_back_weights_is_the_derivative_of_expected_data():
    one = model()
    inputs = ModelInputs(one, [key for key in all_keys(one) if len(key) > 1])
    theta = points(one, 1)
    rng = np.random.default_rng(2)
    weights = rng.standard_normal((1, len(one.observed_main)))
    counts = rng.standard_normal((1, len(one.compiled.layout.poisson)))

    def total(x):
        changed = inputs.changed(x)
        expected = changed.expected_data(theta[0], include_auxdata=False)
        factors = changed.compiled.layout.factor
        return float(weights[0] @ expected + counts[0] @ factors)

    expected = differences(total, inputs.values, 0.3 * inputs.values)
    found = inputs.pull_back(theta, weights, counts=counts)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


def test_counts_that_are_given_do_not_follow():
    one = model()
    channel = one.ir.channels[0]
    inputs = ModelInputs(one, [(channel.name, channel.samples[-1].name)])
    theta = points(one, 1)
    layout = one.compiled.layout
    data = {"main": one.observed_main[None, :], "count": 1.1 * layout.count[None, :],
            "center": layout.center[None, :] + 0.1}  # fmt: skip

    def value(x):
        changed = inputs.changed(x).compiled
        observed = changed.observe(
            data["main"].T.copy(), center=data["center"].T.copy(), aux_count=data["count"].T.copy()
        )
        return float(changed.evaluate(theta.T.copy(), observed, 0).nll[0]) + float(
            changed.constant(observed)[0]
        )

    expected = differences(value, inputs.values, 0.3 * inputs.values)
    found = inputs.gradient(theta, **data)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


def test_names_and_numbers_that_cannot_be_used_are_refused():
    one = model()
    channel = one.ir.channels[0]
    first = channel.samples[0].name
    for key, message in [
        (("nowhere", first), "channel"),
        ((channel.name, "nobody"), "sample"),
        ((channel.name, first, "nothing", "hi"), "modifier"),
        ((channel.name, first, "stat"), "has no staterror"),
        ((channel.name, first, "mu", "hi"), "needs a histosys"),
        ((channel.name, first, "mu", "variance"), "needs a shapesys or staterror"),
        ((channel.name, first, "mu", "up"), "expected"),
        ("signal", "no key of an input"),
    ]:
        with pytest.raises(InputError, match=message):
            ModelInputs(one, [key])
    with pytest.raises(InputError, match="twice"):
        ModelInputs(one, [(channel.name,), (channel.name,)])
    with pytest.raises(InputError, match="empty"):
        ModelInputs(one, [])
    with pytest.raises(InputError, match="bin 1: found nan"):
        with_inputs(one.ir, {(channel.name, first): [1.0, float("nan")]})
    with pytest.raises(InputError, match=r"2 expected|expected 2"):
        with_inputs(one.ir, {(channel.name, first): [1.0]})
    with pytest.raises(InputError, match="0 or more"):
        with_inputs(one.ir, {(channel.name,): [1.0, -1.0]})
    templates = ModelInputs(one, [key for key in all_keys(one) if key[-1] == "hi"])
    with pytest.raises(InputError, match="rows share templates"):
        templates.rows(templates.values[None, :])


def test_a_bin_that_loses_its_prediction_is_refused():
    one = model(
        n_samples=1, n_normsys=0, n_histosys=0, n_coupled=0, staterror=False, shapesys=False
    )
    channel = one.ir.channels[0]
    with pytest.raises(ModelError, match="every sample is zero"):
        with_inputs(one.ir, {(channel.name, channel.samples[0].name): [0.0, 1.0]})
