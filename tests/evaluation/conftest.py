import pytest
import spacy
from spacy.training import Example

from spacy_absa.evaluation.readings import EvaluatedText
from spacy_absa.pipeline.scorers import places

LABELS = ("NEG", "NEU", "POS")


@pytest.fixture(scope="session")
def nlp():
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru")  # registers the attributes
    return nlp


@pytest.fixture
def reading(nlp):
    """A reading from a text, its gold entities and those found: (start, end, label)."""

    def make(text, gold=(), found=()):
        doc = nlp.make_doc(text)
        doc.set_ents([doc.char_span(start, end, label) for start, end, label in found])
        reference = Example.from_dict(nlp.make_doc(text), {"entities": list(gold)}).reference
        example = Example(doc, reference)
        return EvaluatedText(example, *places([example], LABELS, None)[0])

    return make
