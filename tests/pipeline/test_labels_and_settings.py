"""What `absa_gru` makes of labels and settings before it learns, and what it refuses."""

import pytest
import spacy
from spacy.training import Example

from spacy_absa.errors import InputError

from .conftest import TINY, examples_of


def test_no_labels_and_another_format_are_refused(with_config, tmp_path):
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    empty = [Example.from_dict(nlp.make_doc("今天"), {"entities": []})]
    with pytest.raises(InputError, match="no label to learn"):
        nlp.initialize(lambda: empty)
    other = with_config()
    other.get_pipe("absa_gru").cfg["format"] = 99
    other.to_disk(tmp_path)
    with pytest.raises(InputError, match="format 99"):
        spacy.load(tmp_path)


@pytest.mark.parametrize(
    ("setting", "value", "most"),
    [
        ("lexicon_bonus", -1.0, "0 or more"),
        ("threshold", 2.0, "0 to 1"),
        ("opinion_weight", -1.0, "0 or more"),
        ("adversarial", -0.03, "0 or more"),
    ],
)
def test_settings_out_of_range_are_refused(setting, value, most):
    with pytest.raises(InputError, match=f"absa_gru: {setting} is {value}: .* from {most}"):
        spacy.blank("zh").add_pipe("absa_gru", config={"model": TINY, setting: value})


def test_a_bonus_for_an_unknown_label_is_refused_before_training():
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY, "label_bonus": {"neg": 0.3}})
    with pytest.raises(InputError, match="a bonus for neg, but the labels are NEG, NEU, POS"):
        nlp.initialize(lambda: examples_of(nlp))


def test_labels_added_before_training_stay():
    nlp = spacy.blank("zh")
    tagger = nlp.add_pipe("absa_gru", config={"model": TINY})
    tagger.add_label("MIX")
    nlp.initialize(lambda: examples_of(nlp))
    assert tagger.labels == ("MIX", "NEG", "NEU", "POS")


def test_a_gold_label_that_it_does_not_know_is_named(trained):
    example = Example.from_dict(trained.make_doc("丰田不错"), {"entities": [(0, 2, "MIX")]})
    with pytest.raises(InputError, match="of the label MIX, but the labels are NEG, NEU, POS"):
        trained.update([example])


def test_what_is_dropped_is_missed(with_config):
    nlp = with_config()
    kept, dropped = (
        nlp.get_pipe("absa_gru").update(examples_of(nlp), drop=drop)["absa_gru"]
        for drop in (0.0, 0.9)
    )
    assert dropped > 2 * kept
