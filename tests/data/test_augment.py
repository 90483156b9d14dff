import pytest
import spacy
from spacy.training import Example

from spacy_absa.data.augment import create_swap_augmenter

TEXT = "Q7不如思域，思域好"
GOLD = [(0, 2, "NEG"), (4, 6, "POS"), (7, 9, "POS")]


@pytest.fixture
def augment(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("Model S\n", encoding="utf8")
    nlp = spacy.blank("zh")

    def augment(text, annotation, level=1.0):
        example = Example.from_dict(nlp.make_doc(text), {"entities": annotation})
        (result,) = create_swap_augmenter(path, level)(nlp, example)
        ents = [(ent.text, ent.label_) for ent in result.reference.ents]
        return result.reference.text, ents

    return augment


def test_all_names_are_swapped_and_keep_their_labels(augment):
    text, ents = augment(TEXT, GOLD)
    assert text == "Model S不如Model S，Model S好"
    assert ents == [("Model S", "NEG"), ("Model S", "POS"), ("Model S", "POS")]


def test_lower_case_stays_lower_case(augment):
    assert augment("q7不错", [(0, 2, "POS")]) == ("model s不错", [("model s", "POS")])


def test_the_level_and_unknown_gold_leave_texts_alone(augment):
    assert augment(TEXT, GOLD, level=0.0)[0] == TEXT
    assert augment("Q7不错", ["B-POS", "L-POS", "-", "O"])[0] == "Q7不错"
