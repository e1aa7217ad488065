"""A model that can be trained on in a second, and its data."""

import numpy as np
import pytest

import nextstat
from nextstat.distill import generate_dataset, train_mlp_surrogate

WORKSPACE = {
    "channels": [
        {
            "name": "SR",
            "samples": [
                {
                    "name": "signal",
                    "data": [5.0, 10.0],
                    "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
                },
                {
                    "name": "background",
                    "data": [50.0, 60.0],
                    "modifiers": [
                        {"name": "norm", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}},
                        {
                            "name": "shape",
                            "type": "histosys",
                            "data": {"hi_data": [55.0, 58.0], "lo_data": [45.0, 62.0]},
                        },
                        {"name": "stat", "type": "staterror", "data": [2.0, 3.0]},
                    ],
                },
            ],
        }
    ],
    "observations": [{"name": "SR", "data": [57.0, 71.0]}],
    "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    "version": "1.0.0",
}
#: mu, norm, shape, and the gammas of two bins.
BOX = np.array([[0.0, 3.0], [-2.0, 2.0], [-2.0, 2.0], [0.9, 1.1], [0.85, 1.15]])


@pytest.fixture(scope="session")
def model():
    return nextstat.from_pyhf(WORKSPACE)


@pytest.fixture(scope="session")
def workspace():
    return WORKSPACE


@pytest.fixture(scope="session")
def box():
    return BOX


@pytest.fixture(scope="session")
def dataset(model):
    return generate_dataset(model, 2048, bounds=BOX)


@pytest.fixture(scope="session")
def surrogate(dataset, model):
    pytest.importorskip("torch")
    return train_mlp_surrogate(
        dataset,
        hidden_layers=(32, 32),
        epochs=60,
        lr=1e-2,
        grad_weight=1.0,
        nll_reference=nextstat.fit(model).nll,
    )
