"""Fuzz files of events with coverage: python tests/fuzz/atheris_events.py -max_total_time=600.

The first byte says which: ``p`` is Parquet, ``h`` a histogram in a ROOT file, anything else a tree.
NEXTSTAT_FUZZ_KINDS, ``th`` for example, starts from these alone.
"""

import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["nextstat_histograms", "nextstat_core.io", "uproot"]):
    from arrow_seeds import little_arrow_memory
    from events_seeds import SEEDS, fill_parquet, fill_tree, read_one_histogram
    from fuzz_harness import survives

READERS = {b"p": fill_parquet, b"h": read_one_histogram}


def one(data: bytes) -> None:
    content = bytes(data[1:])
    # Memory is measured by the hypothesis tests: tracing would cost most of the time here.
    with little_arrow_memory(len(content)):
        survives(READERS.get(bytes(data[:1]), fill_tree), content, trace=False)


if __name__ == "__main__":
    kinds = os.environ.get("NEXTSTAT_FUZZ_KINDS", "pth").encode()
    corpus = Path(mkdtemp(prefix="nextstat-fuzz-"))
    for index, seed in enumerate(seed for seed in SEEDS if seed[:1] in kinds):
        (corpus / str(index)).write_bytes(seed)
    atheris.Setup([*sys.argv, str(corpus), "-max_len=60000"], one)
    atheris.Fuzz()
