"""The figures of the evaluation report, as plain Python types that can be written as JSON."""

from pathlib import Path
from typing import Any

from spacy.language import Language

from ..data.corpora import read_docs, read_examples
from ..errors import InputError
from ..pipeline.absa_gru import AbsaGRU
from ..pipeline.gold import labelled_spans
from ..pipeline.judges import final_judge
from .bootstrap import compare
from .confidence import calibration_figures
from .errors import confusion, worst_errors
from .readings import EvaluatedText, read, scored_entities
from .slices import score_slices


def evaluation_figures(
    nlp: Language, gold: Path, *, train: Path | None, n_errors: int
) -> dict[str, Any]:
    """Evaluate a pipeline; `scores` is what `spacy evaluate` gives.

    train: its training data, which tells names seen there from others. n_errors: texts to show.
    Raises InputError if the gold or the training data cannot be used.
    """
    absa = nlp.get_pipe("absa_gru")
    known = _names(train, absa.spans_key) if train else None
    readings = read(nlp, gold)
    return {
        "n_texts": len(readings),
        "n_entities": sum(len(reading.gold) for reading in readings),
        "scores": nlp.evaluate(read_examples(nlp, gold)),
        "confusion": confusion(readings, _labels([absa], readings)),
        "slices": score_slices(readings, absa.labels, absa.lexicon, known),
        "calibration": calibration_figures(scored_entities(readings)),
        "errors": worst_errors(final_judge(nlp), readings, n_errors),
    }


def comparison_figures(
    first: Language, second: Language, gold: Path, *, resamples: int, seed: int
) -> dict[str, Any]:
    """Compare two pipelines on the same gold data; see `bootstrap.compare`.

    Raises InputError if they do not write to the same place.
    """
    taggers = [nlp.get_pipe("absa_gru") for nlp in (first, second)]
    if taggers[0].spans_key != taggers[1].spans_key:
        raise InputError(
            f"The pipelines cannot be compared: their spans_key is {taggers[0].spans_key!r} and "
            f"{taggers[1].spans_key!r}, so they answer to different gold annotation."
        )
    readings = [read(nlp, gold) for nlp in (first, second)]
    return {
        "scores": second.evaluate(read_examples(second, gold)),
        "bootstrap": compare(
            *readings, _labels(taggers, readings[0]), resamples=resamples, seed=seed
        ),
        "resamples": resamples,
        "seed": seed,
    }


def _labels(taggers: list[AbsaGRU], readings: list[EvaluatedText]) -> list[str]:
    gold = {span.label_ for reading in readings for span in reading.gold.values()}
    return sorted(gold.union(*(tagger.labels for tagger in taggers)))


def _names(train: Path, spans_key: str | None) -> set[str]:
    return {span.text for doc in read_docs(train) for span in labelled_spans(doc, spans_key)}
