"""Fuzz HS3 with coverage: python tests/fuzz/atheris_hs3.py -max_total_time=600."""

import json
import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["nextstat_core"]):
    from fuzz_harness import survives
    from hs3_seeds import seeds

    from nextstat_core.io import read_hs3


def one(data: bytes) -> None:
    survives(read_hs3, data, trace=False)


if __name__ == "__main__":
    corpus = Path(mkdtemp(prefix="nextstat-fuzz-"))
    for number, document in enumerate(seeds()):
        (corpus / str(number)).write_text(json.dumps(document))
    atheris.Setup([*sys.argv, str(corpus), "-max_len=16000"], one)
    atheris.Fuzz()
