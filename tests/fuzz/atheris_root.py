"""Fuzz ROOT files with coverage: python tests/fuzz/atheris_root.py -max_total_time=600."""

import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["nextstat_root", "uproot"]):
    from fuzz_harness import survives
    from test_root import COMPRESSIONS, original, read_all

FOLDER = Path(mkdtemp(prefix="nextstat-fuzz-"))


def one(data: bytes) -> None:
    # Memory is measured by the hypothesis tests: tracing would cost most of the time here.
    survives(read_all(FOLDER / "one.root"), data, trace=False)


if __name__ == "__main__":
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    for index, compression in enumerate(COMPRESSIONS):
        (corpus / f"{index}.root").write_bytes(original(compression))
    atheris.Setup([*sys.argv, str(corpus), "-max_len=60000"], one)
    atheris.Fuzz()
