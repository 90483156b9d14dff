"""Bulk runs: many files through a pipeline, in shards that are written whole or not at all."""
