"""Every command and result fills one row of an experiment's record.

`--json-metrics` writes the same groups of keys for every command, in the order of the alphabet, and
`metrics_to_wandb_row` makes one flat row of them without the library of any tracker. A sweep writes
one row per model.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from nextstat.report import metrics, metrics_schema, metrics_to_wandb_row
from nextstat_commands.main import cli
from nextstat_core.infer import discovery, fit, hypotest, upper_limits
from nextstat_core.infer.executors import model_digest
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "sweep.py"
#: Arguments of each command, and what its metric is.
COMMANDS = {
    "fit": ((), {"mu_hat"}),
    "hypotest": (("--mu", "1"), {"mu_hat", "cls", "q_mu"}),
    "upper-limit": ((), {"mu_hat", "mu_up"}),
    "scan": (("--points", "3"), {"mu_hat"}),
}
GROUPS = {
    "uncertainty": {"mu_sigma", "cov_available"},
    "timing": {"fit_time_s"},
    "status": {"converged", "warnings", "degraded_flags"},
    "provenance": {"version", "commit", "threads", "eval_mode", "device"},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    workspace = generate_workspace(5, n_channels=2, n_bins=3, n_normsys=2)
    (folder / "workspace.json").write_text(json.dumps(workspace))
    return folder / "workspace.json"


def written(path, command):
    arguments = [command, str(path), *COMMANDS[command][0], "--json-metrics", "-"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_writes_the_documented_keys(path, command):
    document = json.loads(written(path, command))
    Draft202012Validator(metrics_schema()).validate(document)
    assert document["metric"].keys() >= COMMANDS[command][1]
    for group, keys in GROUPS.items():
        assert document[group].keys() >= keys


@pytest.mark.parametrize("command", COMMANDS)
def test_keys_are_written_in_the_order_of_the_alphabet(path, command):
    def in_order(pairs):
        keys = [key for key, _ in pairs]
        assert keys == sorted(keys)
        return dict(pairs)

    json.loads(written(path, command), object_pairs_hook=in_order)


def test_a_row_needs_no_library_of_a_tracker(path):
    program = (
        "import sys, nextstat\n"
        "from nextstat.report import metrics, metrics_to_wandb_row\n"
        f"row = metrics_to_wandb_row(metrics(nextstat.fit(nextstat.from_pyhf({str(path)!r}))))\n"
        "assert row['metric/mu_hat'] == row['metrics/poi_hat']\n"
        "assert not {'wandb', 'mlflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("analysis", "key", "number"),
    [
        (fit, "metric/mu_hat", lambda found: found.values[found.poi_index]),
        (lambda model: hypotest(model, 1.0), "metric/cls", lambda found: found.cls),
        (upper_limits, "metric/mu_up", lambda found: found.observed),
    ],
)
def test_a_row_has_the_number_of_the_result(path, analysis, key, number):
    result = analysis(HistFactoryModel.from_workspace(path.read_text()))
    assert metrics_to_wandb_row(metrics(result))[key] == number(result)


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
