"""What a pipeline gets wrong: how often one label is taken for another, and the worst texts."""

from collections import Counter
from collections.abc import Sequence
from math import inf
from typing import Any

from spacy.util import minibatch

from ..pipeline.absa_gru import AbsaGRU
from ..pipeline.judges import TaggerAndReader
from ..pipeline.scorers import Places, keys_of
from .readings import EvaluatedText

# Stands for the label of what is no entity.
NONE = "none"
_BATCH = 256


def confusion(readings: Sequence[EvaluatedText], labels: Sequence[str]) -> dict[str, Any]:
    """Counts of places by gold label (rows) and label found (columns), `none` the last of both.

    Places must agree to the character: an entity found a little too long counts as one missed
    and one too many.
    """
    pairs = Counter(
        (_label(reading.gold, place), _label(reading.found, place))
        for reading in readings
        for place in {**reading.gold, **reading.found}
    )
    names = [*labels, NONE]
    return {
        "labels": names,
        "counts": [[pairs[gold, found] for found in names] for gold in names],
    }


def worst_errors(
    judge: AbsaGRU | TaggerAndReader, readings: Sequence[EvaluatedText], n: int
) -> list[dict[str, Any]]:
    """The texts read wrongly to whose gold reading the pipeline gave the least probability.

    `log_probability` is that of the whole gold reading, in nats, before the decoder's settings and
    calibration; None where it has a label that the pipeline does not know. The texts are sorted by
    its mean over the entities, gold or found, as it is low for all long texts. `gold` and
    `predicted` are entities with character offsets.
    """
    wrong = [reading for reading in readings if keys_of(reading.gold) != keys_of(reading.found)]
    batches = minibatch([reading.example for reading in wrong], _BATCH)
    surprise = [nats for batch in batches for nats in judge.surprise(batch)]
    n_places = [len({**reading.gold, **reading.found}) for reading in wrong]
    worst = sorted(range(len(wrong)), key=lambda i: -surprise[i] / n_places[i])[:n]
    return [
        {
            "text": wrong[i].text,
            "log_probability": None if surprise[i] == inf else -surprise[i],
            "gold": _entities(wrong[i].gold),
            "predicted": _entities(wrong[i].found),
        }
        for i in worst
    ]


def _label(places: Places, place: tuple[int, int]) -> str:
    return places[place].label_ if place in places else NONE


def _entities(places: Places) -> list[dict[str, Any]]:
    return [
        {"start": start, "end": end, "label": span.label_, "score": span._.absa_score}
        for (start, end), span in sorted(places.items())
    ]
