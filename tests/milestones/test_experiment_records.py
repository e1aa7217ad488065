"""The example of a sweep."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from nextstat_core.infer import discovery, fit
from nextstat_core.infer.executors import model_digest
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace

SCRIPT = Path(__file__).parents[3] / "docs" / "examples" / "sweep.py"


def test_a_sweep_writes_one_row_per_model(tmp_path):
    workspace = generate_workspace(5, n_channels=3, n_bins=2, n_normsys=1)
    text = json.dumps(workspace).replace("channel_0", "SR_a").replace("channel_1", "SR_b")
    (tmp_path / "workspace.json").write_text(text)
    subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "workspace.json", tmp_path / "rows.csv"], check=True
    )
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["all", "without SR_a", "without SR_b"]
    whole = HistFactoryModel.from_workspace(text)
    models = [
        whole, whole.restricted(["SR_b", "channel_2"]), whole.restricted(["SR_a", "channel_2"])
    ]  # fmt: skip
    for row, model in zip(rows, models, strict=True):
        result = fit(model)
        assert row["workspace_sha256"] == model_digest(model)
        assert float(row["mu"]) == pytest.approx(result.values[result.poi_index], rel=1e-9)
        assert float(row["nll"]) == pytest.approx(result.nll, rel=1e-12)
        assert float(row["q0"]) == pytest.approx(discovery(model).q0, rel=1e-8, abs=1e-9)
        assert float(row["converged"]) == 1.0
        assert float(row["time_ms"]) > 0.0
