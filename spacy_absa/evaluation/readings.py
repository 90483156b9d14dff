"""What a pipeline finds in gold texts, beside what there is to be found."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from spacy.language import Language
from spacy.training import Example

from ..data.corpora import read_examples
from ..errors import InputError
from ..pipeline.gold import is_annotated
from ..pipeline.scorers import Places, places


class EvaluatedText(NamedTuple):
    """A text with its gold entities and those found where the gold annotation is known."""

    example: Example
    gold: Places
    found: Places

    @property
    def text(self) -> str:
        """The text that the places count characters of."""
        return self.example.predicted.text


def read(nlp: Language, corpus: Path) -> list[EvaluatedText]:
    """Run the pipeline over a `.spacy` file or a folder of them, as far as it is annotated.

    Raises InputError if there is no such file, or no gold entity in it.
    """
    absa = nlp.get_pipe("absa_gru")
    examples = [eg for eg in read_examples(nlp, corpus) if is_annotated(eg, absa.spans_key)]
    for _ in nlp.pipe(example.predicted for example in examples):
        pass
    readings = [
        EvaluatedText(example, *both)
        for example, both in zip(
            examples, places(examples, absa.labels, absa.spans_key), strict=True
        )
    ]
    gold = {span.label_ for reading in readings for span in reading.gold.values()}
    if not gold:
        where = "doc.ents" if absa.spans_key is None else f"doc.spans[{absa.spans_key!r}]"
        raise InputError(f"{corpus}: no gold entities in {where}: check the annotation.")
    if gold.isdisjoint(absa.labels):
        raise InputError(
            f"{corpus}: the labels are {', '.join(sorted(gold))}, those of the pipeline "
            f"{', '.join(absa.labels)}: convert the data anew."
        )
    return readings


class ScoredEntity(NamedTuple):
    """An entity found: its label, its probabilities, and the gold label of its place, if any."""

    label: str
    score: float
    shares: dict[str, float]
    gold: str | None


def scored_entities(readings: Sequence[EvaluatedText]) -> list[ScoredEntity]:
    """All entities found that have probabilities: not those of other components."""
    return [
        ScoredEntity(
            span.label_,
            span._.absa_score,
            span._.sentiment_scores,
            reading.gold[place].label_ if place in reading.gold else None,
        )
        for reading in readings
        for place, span in reading.found.items()
        if span._.absa_score is not None
    ]
