"""The real trackers, where they are installed: what was logged is read back."""

import json
import struct

import pytest

from nextstat.mlops import autolog, metrics_dict
from nextstat_core.infer import fit
from nextstat_core.infer.executors import model_digest
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import uncorrelated

pytestmark = [
    # What the trackers' own libraries warn of, and leave open, is not ours.
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.slow,
]


@pytest.fixture
def models():
    return [
        HistFactoryModel.from_workspace(
            uncorrelated([12.0] * bins, [50.0] * bins, [3.0] * bins, [53.0] * bins)
        )
        for bins in (2, 3)
    ]


def names(model, prefix="nextstat/"):
    """Metrics that every log of a fit of this model has."""
    return {f"{prefix}{name}" for name in metrics_dict(fit(model))} | {f"{prefix}n_fits"}


class TestMlflow:
    @pytest.fixture
    def store(self, tmp_path, monkeypatch):
        pytest.importorskip("mlflow", reason="MLflow is not installed")
        pytest.importorskip("sqlalchemy", reason="MLflow's store needs sqlalchemy")
        monkeypatch.chdir(tmp_path)
        return f"sqlite:///{tmp_path}/fits.db"

    def test_a_run_of_a_sqlite_store_has_a_fit_at_each_step(self, store, models):
        import mlflow

        with autolog("mlflow", tracking_uri=store, experiment="fits"):
            results = [fit(model) for model in models]
        client = mlflow.MlflowClient(store)
        experiment = client.get_experiment_by_name("fits")
        (run,) = client.search_runs([experiment.experiment_id])
        assert run.info.status == "FINISHED"
        assert names(models[1]) == run.data.metrics.keys()
        assert run.data.tags["nextstat.workspace_sha256"] == model_digest(models[1])
        assert run.data.tags["nextstat.backend"] == "numpy"
        assert run.data.tags["nextstat.status"] == "edm"
        history = client.get_metric_history(run.info.run_id, "nextstat/mu")
        assert [(each.step, each.value) for each in history] == [
            (step, result.values[result.poi_index]) for step, result in enumerate(results)
        ]

        # A run per model is a row per model.
        mlflow.set_tracking_uri(store)
        mlflow.set_experiment("sweep")
        with autolog("mlflow"):
            for model in models:
                with mlflow.start_run():
                    mlflow.log_metrics(metrics_dict(fit(model)))
        rows = client.search_runs([client.get_experiment_by_name("sweep").experiment_id])
        digests = {row.data.tags["nextstat.workspace_sha256"] for row in rows}
        assert digests == {model_digest(model) for model in models}
        assert all("nll" in row.data.metrics for row in rows)


class TestTensorboard:
    def test_files_of_events_have_scalars_and_the_context(self, tmp_path, models):
        pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        with autolog("tensorboard", log_dir=tmp_path):
            results = [fit(model) for model in models]
        found = EventAccumulator(str(tmp_path))
        found.Reload()
        assert set(found.Tags()["scalars"]) == names(models[1])
        assert [(each.step, each.value) for each in found.Scalars("nextstat/mu")] == [
            (step, pytest.approx(result.values[result.poi_index], rel=1e-6))
            for step, result in enumerate(results)
        ]
        texts = found.Tensors("nextstat/context")
        contexts = [json.loads(each.tensor_proto.string_val[0]) for each in texts]
        assert [each["workspace_sha256"] for each in contexts] == list(map(model_digest, models))
        assert {(each["backend"], each["status"]) for each in contexts} == {("numpy", "edm")}


class TestWandb:
    def test_the_file_of_an_offline_run_has_a_row_for_each_fit(self, tmp_path, monkeypatch, models):
        wandb = pytest.importorskip("wandb", reason="Weights & Biases is not installed")
        monkeypatch.setenv("WANDB_SILENT", "true")
        monkeypatch.chdir(tmp_path)
        with autolog("wandb", project="fits", mode="offline", dir=tmp_path):
            results = [fit(model) for model in models]
        wandb.teardown()  # its process may write until it ends
        (path,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
        config, rows = read_wandb(path.read_bytes())
        assert config["nextstat/workspace_sha256"] == model_digest(models[0])
        assert len(rows) == len(models)
        for model, result, row in zip(models, results, rows, strict=True):
            assert names(model) <= row.keys()
            assert row["nextstat/mu"] == pytest.approx(result.values[result.poi_index], rel=1e-15)
            assert row["nextstat/workspace_sha256"] == model_digest(model)
            assert (row["nextstat/backend"], row["nextstat/status"]) == ("numpy", "edm")


def read_wandb(content):
    """Configuration and history of a run's file, which is a log of LevelDB after seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    config, rows = {}, []
    for message in messages(content):
        record = Record.FromString(message)
        if record.WhichOneof("record_type") == "config":
            config |= {each.key: json.loads(each.value_json) for each in record.config.update}
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            keys = (each.key or "/".join(each.nested_key) for each in items)
            values = (json.loads(each.value_json) for each in items)
            rows.append(dict(zip(keys, values, strict=True)))
    return config, rows


def messages(content):
    """Payloads: blocks of 32 KiB of pieces, each with a checksum, a length and a kind."""
    assert content[:4] == b":W&B"
    place, found = 7, b""
    while place < len(content):
        rest = -place % 32768
        if 0 < rest < 7:
            place += rest
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        found += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield found
            found = b""
