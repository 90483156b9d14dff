"""``spacy absa score``: a contest answer against the gold labels."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi import msg

from ..data.contest import read_labels
from ..errors import InputError
from ..scoring import contest_scores
from ._util import command

_NAMES = {
    "contest_f1": "Contest F1",
    "micro_f1": "Micro F1",
    "macro_f1": "Macro F1",
    "view_f1": "View F1",
    "opinion_accuracy": "Opinion accuracy",
}


@command("score")
def score(
    gold_path: Annotated[Path, typer.Argument(metavar="GOLD", help="Label.csv")],
    predicted_path: Annotated[Path, typer.Argument(metavar="PREDICTED", help="Answer .csv")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, unrounded")] = False,
) -> None:
    """Score a contest answer: rows of SentenceId, View, Opinion, tab- or comma-separated.

    \b
    Example:
      python -m spacy absa score Label.csv answer.csv
    """
    gold, predicted = read_labels(gold_path), read_labels(predicted_path)
    ids = [{sentence_id for sentence_id, _ in labels} for labels in (gold, predicted)]
    if all(ids) and ids[0].isdisjoint(ids[1]):
        raise InputError(
            f"{gold_path} and {predicted_path}: no sentence is in both: do they belong together?"
        )
    scores = contest_scores(gold, predicted)
    if as_json:
        print(json.dumps(scores, indent=1))
    else:
        _print_tables(scores)


def _print_tables(scores: dict[str, Any]) -> None:
    msg.table([(name, _percent(scores[key])) for key, name in _NAMES.items()], aligns=("l", "r"))
    msg.table(
        [
            ("right (tp)", scores["tp"]),
            ("right view, wrong opinion (fp)", scores["fp"]),
            ("missed (fn1)", scores["fn1"]),
            ("superfluous (fn2)", scores["fn2"]),
        ],
        aligns=("l", "r"),
    )
    msg.table(
        [(name, *map(_percent, values.values())) for name, values in scores["per_opinion"].items()],
        header=("Opinion", "P", "R", "F1"),
        aligns=("l", "r", "r", "r"),
        divider=True,
    )


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"
