"""The manifest of a run: what it read, with which pipeline, and what came of it."""

import json
from pathlib import Path
from typing import Any

from ..errors import InputError

MANIFEST = "manifest.json"


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run, whole or not. Raises InputError if the file is none."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["time"]["started"], manifest["run"]["settings"]["format"]
        [source["column"] for source in manifest["run"]["inputs"]]
        if manifest["whole"]:
            manifest["counts"]["shards"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: is no manifest of a run: name another folder, or remove this one."
        ) from error
    return manifest
