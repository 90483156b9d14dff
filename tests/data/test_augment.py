import random

import pytest
import spacy
from spacy.training import Example

from spacy_absa.data.augment import swap_names

NLP = spacy.blank("zh")


def swap(text, entities, *names):
    doc = Example.from_dict(NLP.make_doc(text), {"entities": entities}).reference
    text, spans = swap_names(doc, names, random.Random(0))
    return text, [(text[span.start : span.end], span.label) for span in spans]


def test_all_names_are_swapped_and_keep_their_labels():
    text, spans = swap(
        "Q7不如思域，思域好", [(0, 2, "NEG"), (4, 6, "POS"), (7, 9, "POS")], "Model S"
    )
    assert text == "Model S不如Model S，Model S好"
    assert spans == [("Model S", "NEG"), ("Model S", "POS"), ("Model S", "POS")]


def test_a_name_keeps_its_replacement_in_a_text():
    text, spans = swap(
        "思域好思域好思域好", [(0, 2, "POS"), (3, 5, "POS"), (6, 8, "POS")], *"甲乙丙丁"
    )
    assert len({name for name, _ in spans}) == 1
    assert text == "{0}好{0}好{0}好".format(spans[0][0])


@pytest.mark.parametrize("text, expected", [("q7不错", "model s不错"), ("Q7不错", "Model S不错")])
def test_lower_case_stays_lower_case(text, expected):
    assert swap(text, [(0, 2, "POS")], "Model S")[0] == expected
