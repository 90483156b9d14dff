"""The commands ``python -m spacy absa …``, which spaCy finds through an entry point."""

from spacy.cli._util import app

from . import (
    alphabet,
    annotate,
    audit,
    convert,
    distant,
    distill,
    ensemble,
    interpolate,
    lexicon,
    predict,
    pseudo_label,
    score,
    select,
    swap,
)
from ._util import absa_cli

__all__ = [
    "absa_cli",
    "alphabet",
    "annotate",
    "audit",
    "convert",
    "distant",
    "distill",
    "ensemble",
    "interpolate",
    "lexicon",
    "predict",
    "pseudo_label",
    "score",
    "select",
    "swap",
]

app.add_typer(absa_cli, name="absa")
