"""Fuzz workspaces and patchsets with coverage: atheris_pyhf.py -max_total_time=600."""

import json
import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["nextstat_core"]):
    from fuzz_harness import survives
    from pyhf_seeds import OPERATIONS, seeds


def one(data: bytes) -> None:
    """The first byte chooses what is done; the rest is the document."""
    names = list(OPERATIONS)
    name = names[data[0] % len(names)] if data else names[0]
    survives(OPERATIONS[name], data[1:], trace=False)


if __name__ == "__main__":
    corpus = Path(mkdtemp(prefix="nextstat-fuzz-"))
    for number, document in enumerate(seeds()):
        for choice in range(len(OPERATIONS)):
            text = json.dumps(document, separators=(",", ":")).encode()
            (corpus / f"{number}-{choice}").write_bytes(bytes([choice]) + text)
    atheris.Setup([*sys.argv, str(corpus), "-max_len=16000"], one)
    atheris.Fuzz()
