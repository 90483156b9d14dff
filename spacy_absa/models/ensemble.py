"""Several taggers as one, and several readers of entities."""

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from .types import Emissions, Targets


def build_ensemble(*members: Model[list[Doc], Emissions]) -> Model[list[Doc], Emissions]:
    """`spacy_absa.Ensemble.v1`: the mean of what several taggers say.

    Means of emissions and transitions multiply the members' distributions over tag sequences and
    take the root (a logarithmic opinion pool, Smith et al. 2005), so that one decoder serves all.
    The members must share labels and tag scheme; `spacy absa ensemble` puts trained ones together.
    """
    model: Model[list[Doc], Emissions] = Model(
        "ensemble", _forward, init=_init, layers=list(members)
    )
    model.set_ref("charlm", members[0].get_ref("charlm"))  # for those who copy from it
    return model


def _init(model: Model, X: list[Doc] | None = None, Y: Any = None) -> None:
    for member in model.layers:
        member.initialize(X=X)


def _forward(
    model: Model, docs: list[Doc], is_train: bool
) -> tuple[Emissions, Callable[[Emissions], list[Doc]]]:
    outputs, callbacks = zip(*(member(docs, is_train) for member in model.layers), strict=True)
    n = len(outputs)

    def backprop(dY: Emissions) -> list[Doc]:
        share = Emissions(
            [d_scores / n for d_scores in dY.scores],
            None if dY.transitions is None else dY.transitions / n,
        )
        for callback in callbacks:
            callback(share)
        return []

    by_text = zip(*(output.scores for output in outputs), strict=True)
    transitions = [output.transitions for output in outputs]
    return Emissions(
        [sum(scores) / n for scores in by_text],
        None if transitions[0] is None else sum(transitions) / n,
    ), backprop


def build_reader_ensemble(
    *members: Model[list[Targets], Floats2d],
) -> Model[list[Targets], Floats2d]:
    """`spacy_absa.ReaderEnsemble.v1`: the mean of what several readers of entities say.

    The mean of their scores (n_entities, n_labels) multiplies their distributions over labels and
    takes the root, as `spacy_absa.Ensemble.v1` does with taggers. All must have the same labels
    in the same order.
    """
    return Model("reader_ensemble", _forward_readers, init=_init, layers=list(members))


def _forward_readers(
    model: Model, texts: list[Targets], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Targets]]]:
    outputs, callbacks = zip(*(member(texts, is_train) for member in model.layers), strict=True)
    n = len(outputs)

    def backprop(d_scores: Floats2d) -> list[Targets]:
        for callback in callbacks:
            callback(d_scores / n)
        return []

    return sum(outputs) / n, backprop
