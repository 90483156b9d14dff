"""The commands ``python -m spacy absa …``, which spaCy finds through an entry point."""

from spacy.cli._util import app

from . import (
    alphabet,
    annotate,
    audit,
    calibrate,
    convert,
    distant,
    distill,
    ensemble,
    evaluate_report,
    init_project,
    interpolate,
    lexicon,
    predict,
    pseudo_label,
    report,
    score,
    select,
    serve,
    suggest,
    swap,
)
from ._util import absa_cli

__all__ = [
    "absa_cli",
    "alphabet",
    "annotate",
    "audit",
    "calibrate",
    "convert",
    "distant",
    "distill",
    "ensemble",
    "evaluate_report",
    "init_project",
    "interpolate",
    "lexicon",
    "predict",
    "pseudo_label",
    "report",
    "score",
    "select",
    "serve",
    "suggest",
    "swap",
]

app.add_typer(absa_cli, name="absa")
