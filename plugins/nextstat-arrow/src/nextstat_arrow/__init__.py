"""Models from Arrow tables and Parquet files, and back."""
