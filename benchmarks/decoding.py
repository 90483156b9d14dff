"""Viterbi decoding against the textbook."""

import numpy as np

from spacy_absa.decoding.schemes import TagScheme
from spacy_absa.decoding.viterbi import viterbi
from spacy_absa.types import CharSpan

from ._report import Row
from ._subjects import Subjects

SENTENCES = 1000  # a batch, as `nlp.pipe` makes them by default


def textbook(scores: np.ndarray, transitions: np.ndarray, scheme: TagScheme) -> list[CharSpan]:
    """The algorithm as it is usually written: a sentence at a time, a step per character."""
    steps = np.where(scheme.legal, transitions, -np.inf)
    best = scores[0] + steps[-1, :-1]
    pointers = []
    for emitted in scores[1:]:
        paths = best[:, None] + steps[:-1, :-1]
        pointers.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + emitted
    tag = int((best + steps[:-1, -1]).argmax())
    tags = [tag]
    for pointer in reversed(pointers):
        tag = int(pointer[tag])
        tags.append(tag)
    return scheme.decode(tags[::-1])


def run(subjects: Subjects) -> list[Row]:
    """Both on the network's scores of one batch, without a lexicon; the answers must agree."""
    component = subjects.component
    docs = [subjects.nlp.make_doc(text) for text in subjects.texts[:SENTENCES]]
    emissions = component.model.predict(docs)
    scheme, transitions = component.scheme, np.asarray(emissions.transitions)
    matches = component.lexicon.find_all([doc.text for doc in docs])
    ours = viterbi(emissions.scores, transitions, scheme)
    if ours != [textbook(scores, transitions, scheme) for scores in emissions.scores]:
        raise RuntimeError("The decoder and the textbook disagree.")
    timings = subjects.compare(
        {
            "ours": lambda: viterbi(emissions.scores, transitions, scheme),
            "ours, lexicon preferred": lambda: viterbi(
                emissions.scores, transitions, scheme, matches, "prefer", 1.0
            ),
            "textbook": lambda: [textbook(s, transitions, scheme) for s in emissions.scores],
        }
    )
    n_chars = sum(len(doc.text) for doc in docs)
    base = timings["textbook"].median
    return [
        Row(
            "decoding",
            name,
            n_chars / timing.median,
            "characters/s",
            timing.spread,
            None if name == "textbook" else base / timing.median,
            "" if name == "textbook" else "textbook",
            "≥ 20" if name == "ours" else "",
        )
        for name, timing in timings.items()
    ]
