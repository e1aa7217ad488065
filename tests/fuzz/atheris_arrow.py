"""Coverage-guided fuzzing of the readers of Parquet files, IPC streams and manifests.

python tests/fuzz/atheris_arrow.py -max_total_time=600
"""

import sys

import atheris

with atheris.instrument_imports(include=["nextstat_arrow", "nextstat_core"]):
    from arrow_seeds import COMPRESSIONS, files, histograms, little_arrow_memory, modifiers, stream
    from fuzz_harness import survives

    from nextstat_arrow import read_arrow_ipc, read_parquet, read_parquet_model

HISTOGRAMS = histograms("none")
SEEDS = [
    *(bytes([0]) + histograms(name) for name in COMPRESSIONS),
    bytes([1]) + modifiers(),
    *(bytes([2]) + stream(name) for name in (None, "lz4", "zstd")),
    bytes([3]) + files()["manifest.json"],
]


def read_modifiers(content: bytes) -> object:
    return read_parquet(HISTOGRAMS, modifiers=content)


READERS = (read_parquet, read_modifiers, read_arrow_ipc, read_parquet_model)


def read(data: bytes) -> None:
    """The first byte says which reader gets the rest."""
    if data:
        content = bytes(data[1:])
        with little_arrow_memory(len(content)):
            survives(READERS[data[0] % len(READERS)], content, trace=False)


if __name__ == "__main__":
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS):
            (Path(folder) / str(number)).write_bytes(seed)
        atheris.Setup([*sys.argv, folder], read)
        atheris.Fuzz()
