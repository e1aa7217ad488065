"""Events in files, a description of them, and the same for cabinetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Events = dict[str, np.ndarray]


def make_events(seed: int, count: int, scale: float) -> Events:
    """Events with all sorts of columns; weights are negative for some."""
    rng = np.random.default_rng(seed)
    return {
        "pt": rng.exponential(scale, count),
        "pt_jer": rng.exponential(1.05 * scale, count),
        "eta": rng.normal(0.0, 1.5, count),
        "phi": rng.uniform(-3.0, 3.0, count).astype(np.float32),
        "n_jets": rng.integers(0, 8, count).astype(np.int32),
        "trigger": rng.random(count) < 0.9,
        "weight": rng.normal(1.0, 0.8, count),
        "weight_up": rng.normal(1.1, 0.8, count),
    }


@pytest.fixture
def write_root(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, **trees: Events) -> Path:
        with uproot.recreate(tmp_path / name) as file:
            for tree, columns in trees.items():
                types = {column: values.dtype for column, values in columns.items()}
                written = file.mktree(tree, types)
                for part in (slice(0, 700), slice(700, None)):  # several baskets
                    written.extend({column: values[part] for column, values in columns.items()})
        return tmp_path / name

    return write


@pytest.fixture
def write_parquet(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, columns: dict[str, Any], **options: Any) -> Path:
        pq.write_table(pa.table(columns), tmp_path / name, **options)
        return tmp_path / name

    return write


@pytest.fixture
def events() -> Events:
    return make_events(1, 3000, 50.0)


CONFIG = """
General:
  Measurement: measurement
  POI: mu
  InputPath: "{SamplePath}"
  HistogramFolder: histograms
  Fixed:
    - {Name: luminosity, Value: 0.0}
Regions:
  - {Name: Signal region, Variable: pt, Binning: [0, 20, 50, 90, 150, 400, 2000],
     Filter: "eta > 0"}
  - {Name: CR, Variable: eta, Binning: [-10, 10], Filter: "(pt < 60) & (n_jets >= 2)"}
  - {Name: CR2, Variable: "abs(eta)", Binning: [0, 0.5, 1, 2, 20]}
Samples:
  - {Name: Data, Tree: nominal, SamplePath: data, Data: true}
  - {Name: signal, Tree: nominal, SamplePath: signal, Weight: "weight*0.5"}
  - {Name: background, Tree: nominal, SamplePath: [background, other], Weight: weight,
     Filter: "eta > -0.5"}
  - {Name: fakes, Tree: nominal, SamplePath: background, Weight: "0.1", DisableStaterror: true,
     Regions: [CR, CR2]}
NormFactors:
  - {Name: mu, Samples: signal, Nominal: 1, Bounds: [0, 8]}
  - {Name: k_background, Samples: [background], Regions: CR}
Systematics:
  # A normalisation; another tree; another weight; another column; another file.
  - {Name: luminosity, Type: Normalization, Samples: [signal, background],
     Up: {Normalization: 0.03}, Down: {Normalization: -0.03}}
  - {Name: jes, Type: NormPlusShape, Samples: signal, Up: {Tree: jes_up}, Down: {Tree: jes_down},
     Smoothing: {Algorithm: "353QH, twice", Regions: [Signal region, CR2]}}
  - {Name: scale, Type: NormPlusShape, Samples: background, ModifierName: weights,
     Up: {Weight: weight_up}, Down: {Symmetrize: true}}
  - {Name: jer, Type: NormPlusShape, Samples: background, Regions: Signal region,
     Up: {Variable: pt_jer}, Down: {Variable: "2*pt - pt_jer"}}
  - {Name: generator, Type: NormPlusShape, Samples: background, Regions: [CR2],
     Up: {SamplePath: other}, Down: {Symmetrize: true}, Smoothing: {Algorithm: "353QH, twice"}}
"""


@pytest.fixture
def files(tmp_path: Path, write_root: Callable[..., Path]) -> Path:
    """ROOT files of an analysis; the folder that they are in."""
    write_root(
        "signal.root",
        nominal=make_events(1, 1000, 90.0),
        jes_up=make_events(2, 1000, 95.0),
        jes_down=make_events(3, 1000, 84.0),
    )
    write_root("background.root", nominal=make_events(4, 3000, 50.0))
    write_root("other.root", nominal=make_events(5, 2500, 53.0))
    write_root("data.root", nominal=make_events(6, 3000, 51.0))
    return tmp_path


@pytest.fixture
def config(files: Path) -> dict[str, Any]:
    """A configuration of cabinetry for these files."""
    found = yaml.safe_load(CONFIG)
    found["General"]["InputPath"] = str(files / "{SamplePath}.root")
    found["General"]["HistogramFolder"] = str(files / "histograms")
    return found
