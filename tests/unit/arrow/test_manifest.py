"""Manifests of histograms: the keys of the format, and every difference named."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import nextstat
from nextstat.arrow import (
    read_arrow,
    validate_histograms_parquet_manifest,
    write_histograms_parquet,
    write_parquet,
)
from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_core.io import read_pyhf
from nextstat_core.testing import generate_workspace

KEYS = [
    "schema_version",
    "created_at_utc",
    "poi",
    "parquet_path",
    "parquet_sha256",
    "parquet_compression",
    "table_schema",
    "stats",
    "observations_path",
]


@pytest.fixture
def written(table, tmp_path):
    path = tmp_path / "histograms.parquet"
    return write_histograms_parquet(table, path), path


def differences(manifest, **options):
    with pytest.raises(FormatError) as caught:
        validate_histograms_parquet_manifest(manifest, **options)
    return str(caught.value)


def test_the_manifest_has_the_keys_of_the_format(written):
    manifest, path = written
    assert list(manifest) == KEYS
    assert manifest["schema_version"] == "nextstat.histograms_parquet_manifest.v1"
    assert manifest["poi"] == "mu"
    assert manifest["parquet_path"] == str(path)
    assert manifest["parquet_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["parquet_compression"] == "zstd"
    assert manifest["observations_path"] is None
    assert json.loads((path.parent / "histograms.parquet.manifest.json").read_text()) == manifest


def test_the_schema_is_described(written):
    schema = written[0]["table_schema"]
    assert schema["columns"] == [
        {"name": "channel", "type": "utf8", "required": True},
        {"name": "sample", "type": "utf8", "required": True},
        {"name": "yields", "type": "list<float64>", "required": True},
        {"name": "stat_error", "type": "list<float64>", "required": False},
    ]
    text = schema["arrow_schema_str"]
    numbers = "list<item: double>\n  child 0, item: double"
    assert text == (f"channel: string\nsample: string\nyields: {numbers}\nstat_error: {numbers}")
    assert schema["arrow_schema_sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_the_content_is_counted(written):
    assert written[0]["stats"] == {
        "n_rows": 3,
        "has_stat_error": True,
        "channels": [{"name": "CR", "n_bins": 2}, {"name": "SR", "n_bins": 3}],
    }


def test_what_is_written_is_what_was_given(written, table):
    back = pq.read_table(written[1])
    assert back.to_pylist() == table.to_pylist()
    assert nextstat.from_parquet(written[1]).ir == read_arrow(table)


def test_odd_types_are_written_plainly_and_other_columns_as_they_are(table, tmp_path):
    odd = table.set_column(0, "channel", table.column("channel").dictionary_encode())
    odd = odd.set_column(2, "yields", odd.column("yields").cast(pa.large_list(pa.float32())))
    odd = odd.append_column("note", pa.array([1, 2, 3]))
    path = tmp_path / "odd.parquet"
    validate_histograms_parquet_manifest(write_histograms_parquet(odd, path))
    back = pq.read_table(path)
    assert back.drop_columns(["note"]).to_pylist() == table.to_pylist()
    assert back.column("note").to_pylist() == [1, 2, 3]
    assert back.schema.field("channel").type == pa.string()


def test_a_manifest_of_its_files_is_valid(written):
    manifest, path = written
    validate_histograms_parquet_manifest(manifest)
    validate_histograms_parquet_manifest(f"{path}.manifest.json")
    validate_histograms_parquet_manifest(path.parent / "histograms.parquet.manifest.json")


def test_the_manifest_can_be_elsewhere_or_nowhere(table, tmp_path):
    path = tmp_path / "a" / "h.parquet"
    write_histograms_parquet(table, path, write_manifest=False)
    assert [each.name for each in path.parent.iterdir()] == ["h.parquet"]
    write_histograms_parquet(table, path, manifest_path=tmp_path / "m.json")
    validate_histograms_parquet_manifest(tmp_path / "m.json")


def test_observations_are_written_beside_the_file(table, observations, tmp_path):
    path = tmp_path / "h.parquet"
    manifest = write_histograms_parquet(table, path, observations=observations, poi="r")
    assert json.loads(Path(manifest["observations_path"]).read_text()) == observations
    model = nextstat.from_parquet_manifest(f"{path}.manifest.json")
    assert model.ir == read_arrow(table, observations=observations, poi="r")
    with pytest.raises(ModelError, match="expected, 1 found"):
        write_histograms_parquet(table, path, observations={"SR": [1.0]})


def test_every_difference_is_named(written, table):
    manifest, path = written
    other = table.slice(0, 2).drop_columns(["stat_error"])
    pq.write_table(other, path, compression="snappy")
    text = differences(manifest)
    for part in (
        "parquet_sha256: the manifest says",
        "parquet_compression: the manifest says 'zstd'; the file has 'snappy'",
        "table_schema.arrow_schema_str",
        "table_schema.columns",
        "stats.n_rows: the manifest says 3; the file has 2",
        "stats.has_stat_error: the manifest says True; the file has False",
        "stats.channels: the file has no channel 'CR'",
    ):
        assert part in text
    with pytest.raises(FormatError) as caught:
        validate_histograms_parquet_manifest(manifest, check_sha256=False)
    assert "parquet_sha256" not in str(caught.value)


def test_a_changed_digest_alone_can_be_overlooked(written):
    manifest, _ = written
    changed = manifest | {"parquet_sha256": "0" * 64}
    assert "parquet_sha256" in differences(changed)
    validate_histograms_parquet_manifest(changed, check_sha256=False)


def test_channels_are_compared_both_ways(written):
    manifest, _ = written
    stats = manifest["stats"] | {
        "channels": [{"name": "SR", "n_bins": 4}, {"name": "VR", "n_bins": 2}]
    }
    text = differences(manifest | {"stats": stats})
    assert "n_bins of 'SR': the manifest says 4; the file has 3" in text
    assert "the file has no channel 'VR'" in text
    assert "the manifest has no channel 'CR'" in text


def test_missing_and_unreadable_files_are_differences(written):
    manifest, path = written
    path.write_bytes(b"PAR1")
    assert "no readable Parquet file" in differences(manifest, check_sha256=False)
    path.unlink()
    assert "parquet_path: cannot read" in differences(manifest)
    assert "observations_path: cannot read" in differences(
        manifest | {"observations_path": str(path) + ".json"}
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": "v2"}, "`schema_version` is 'v2'; expected 'nextstat.histograms"),
        ({"stats": {}}, r"missing required field `n_rows` - at `\$.stats`"),
        ({"poi": 3}, "Expected `str | null`, got `int`"),
        ({"comment": "mine"}, "unknown field `comment`"),
    ],
    ids=["version", "missing", "type", "unknown"],
)
def test_what_is_no_manifest_is_refused(change, message, written):
    with pytest.raises(FormatError) as caught:
        validate_histograms_parquet_manifest(written[0] | change)
    assert message.replace("\\", "") in str(caught.value)


def test_a_manifest_must_be_readable(tmp_path):
    with pytest.raises(InputError, match="no file"):
        validate_histograms_parquet_manifest(tmp_path / "manifest.json")
    (tmp_path / "manifest.json").write_text("[1]")
    with pytest.raises(FormatError, match="this is no manifest"):
        nextstat.from_parquet_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(FormatError, match="not JSON"):
        nextstat.from_parquet_manifest(tmp_path)


def test_the_parameter_of_interest_of_a_model_is_one_of_its_modifiers(tmp_path):
    write_parquet(read_pyhf(generate_workspace(1, n_normsys=1)), tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["poi"] = manifest["model"]["measurement"]["config"]["poi"] = "mu_signal"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="'mu_signal': no modifier has this name"):
        nextstat.from_parquet_manifest(tmp_path)


def test_all_files_of_a_model_are_compared(tmp_path):
    write_parquet(read_pyhf(generate_workspace(1, n_normsys=1)), tmp_path)
    pq.write_table(
        pq.read_table(tmp_path / "modifiers.parquet").slice(1), tmp_path / "modifiers.parquet"
    )
    (tmp_path / "observations.json").write_text("{}")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"poi": "other"}))
    text = differences(tmp_path / "manifest.json")
    assert "modifiers_sha256" in text
    assert "observations_sha256" in text
    assert "poi: the manifest says 'other'; the measurement has 'mu'" in text
