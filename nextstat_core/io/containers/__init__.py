"""What binary files say about their own content, checked before a library believes it.

Parquet and ROOT files hold sizes, counts and positions that the libraries that read them allocate,
or loop over, before they look any further. These modules read just those numbers, and compare them
with each other and with the size of the file.
"""

from nextstat_core.io.containers.excess import refuse_excess
from nextstat_core.io.containers.mapping import mapped
from nextstat_core.io.containers.parquet import ColumnChunk, column_chunks, page_sizes
from nextstat_core.io.containers.root import RootDirectories
from nextstat_core.io.containers.root_keys import Key

__all__ = [
    "ColumnChunk",
    "Key",
    "RootDirectories",
    "column_chunks",
    "mapped",
    "page_sizes",
    "refuse_excess",
]
