"""Gold annotation of texts that are not quite those of the predictions, or not all ours."""

import warnings

import numpy
import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example

from spacy_absa.decoding.schemes import TagScheme
from spacy_absa.pipeline.gold import allowed_tags

from .conftest import TINY, examples_of

SCHEME = TagScheme("io", ["NEG", "POS"])


@pytest.fixture
def english():
    return spacy.blank("en")


def tags(example, spans_key=None):
    """The one tag that is allowed at each visible character, or `?`."""
    text = example.predicted.text
    return "".join(
        "ONP"[row.argmax()] if row.sum() == 1 else "?"
        for row, char in zip(allowed_tags(example, SCHEME, spans_key), text, strict=True)
        if not char.isspace()
    )


@pytest.mark.parametrize("text", ["Bad new car.", "Bad  new\ncar .", "Badnewcar. "])
def test_words_without_spaces_say_what_those_with_them_say(english, text):
    gold = {
        "words": ["Bad", "new", "car", "."],
        "entities": ["O", "B-NEG", "L-NEG", "-"],
    }
    assert tags(Example.from_dict(english.make_doc(text), gold)) == "OOONNNNNN?"


def test_an_entity_may_begin_a_text_with_other_spaces(english):
    gold = {"words": ["Cars", "are", "bad"], "entities": ["U-NEG", "O", "O"]}
    assert tags(Example.from_dict(english.make_doc("Cars  are bad"), gold)) == "NNNNOOOOOO"


def test_of_spans_that_overlap_the_longest_is_known(english):
    example = Example(english.make_doc("a b c d e"), english.make_doc("a b c d e"))
    doc = example.reference
    doc.spans["k"] = [Span(doc, 0, 2, "NEG"), Span(doc, 1, 4, "POS")]
    assert tags(example, "k") == "??PPO"


def test_texts_without_annotation_are_no_reason_to_warn(english):
    bare = Example(english.make_doc("Good car."), english.make_doc("Good car."))
    english.add_pipe("absa_gru", config={"model": TINY})
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        english.initialize(lambda: [bare, *examples_of(english, {"Bad car.": [(4, 7, "NEG")]})])


def test_of_another_text_nothing_is_known(english):
    reference = english.make_doc("Good car.")
    reference.ents = [reference.char_span(5, 8, "POS")]
    example = Example(english.make_doc("Bad car."), reference)
    assert allowed_tags(example, SCHEME, None).all()
    nlp = spacy.blank("en")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    with pytest.warns(UserWarning, match="^8 characters in 1 texts"):
        nlp.initialize(lambda: [example])
    reference.spans["k"] = list(reference.ents)
    nlp.get_pipe("absa_gru").spans_key = "k"
    with pytest.warns(UserWarning, match="^8 characters in 1 texts"):
        nlp.initialize(lambda: [example])


def test_words_without_spaces_are_learned_and_scored(english):
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    gold = {"words": list("讨厌丰田"), "entities": ["O", "O", "B-NEG", "L-NEG"]}
    examples = [Example.from_dict(nlp.make_doc("讨厌丰田"), gold)]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    scores = nlp.evaluate(examples)
    assert (scores["absa_f"], scores["ents_f"]) == (1, 1)


def test_labels_of_other_components_are_not_ours_to_find(trained):
    nlp = spacy.blank("zh")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "DAY", "pattern": "今天"}])
    nlp.add_pipe("absa_gru", source=trained)
    gold = {"今天丰田不错": [(0, 2, "DAY"), (2, 4, "POS")], "明天丰田不错": [(2, 4, "POS")]}
    examples = examples_of(nlp, gold)
    scores = nlp.evaluate(examples)
    alone = trained.evaluate(examples_of(trained, gold))
    assert scores["absa_f"] > alone["absa_f"]
    assert sorted(scores["absa_per_type"]) == ["NEG", "NEU", "POS"]
    # What nobody sets is missed.
    assert alone["absa_per_type"]["DAY"]["r"] == 0


def test_scores_of_a_span_group_have_its_name_too(trained):
    nlp = spacy.blank("zh")
    for name, key in (("good", "a"), ("blind", "b")):
        nlp.add_pipe("absa_gru", name, config={"model": TINY, "spans_key": key})
        nlp.get_pipe(name).from_bytes(trained.get_pipe("absa_gru").to_bytes())
    nlp.get_pipe("blind").threshold = 1.0
    examples = []
    for example in examples_of(nlp):
        for key in "ab":
            example.reference.spans[key] = list(example.reference.ents)
        examples.append(example)
    scores = nlp.evaluate(examples)
    assert (scores["absa_a_f"], scores["absa_b_f"], scores["absa_f"]) == (1, 0, 0)


@pytest.mark.parametrize("overwrite", [True, False])
def test_blocked_tokens_stay_without_an_entity(with_config, overwrite):
    nlp = with_config(overwrite=overwrite)
    doc = nlp.make_doc("丰田不错")
    doc.set_ents([], blocked=[doc[0:1], doc[3:4]], default="unmodified")
    nlp(doc)
    assert bool(doc.ents) == overwrite
    assert doc[3].ent_iob == 3 and not doc[3].ent_type
    assert (doc[0].ent_iob == 3 and not doc[0].ent_type) != overwrite


def listener():
    nlp = spacy.blank("zh")
    nlp.add_pipe("tok2vec", config={"model": {"width": 16, "embed_size": 50}})
    words = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    nlp.add_pipe("absa_gru", config={"model": {**TINY, "words": words}})
    return nlp


def test_an_empty_text_does_not_disturb_a_tagger_that_listens():
    nlp = listener()
    examples = examples_of(nlp)
    nlp.initialize(lambda: examples)
    empty = Example(nlp.make_doc(""), nlp.make_doc(""))
    once = nlp.update(examples, sgd=False)["absa_gru"]
    more = nlp.update([empty, *examples[:2], empty, *examples[2:]], sgd=False)["absa_gru"]
    assert more * 6 == pytest.approx(once * 4, rel=1e-4)
    assert nlp.update([empty, empty])["absa_gru"] == 0


def test_a_tok2vec_learns_once_from_what_is_read_twice():
    def gradients(adversarial):
        spacy.util.fix_random_seed(0)
        nlp = listener()
        examples = examples_of(nlp)
        nlp.initialize(lambda: examples)
        nlp.get_pipe("absa_gru").adversarial = adversarial
        nlp.update(examples, sgd=False)
        model = nlp.get_pipe("tok2vec").model
        return [
            node.get_grad(name)
            for node in model.walk()
            for name in node.param_names
            if node.has_grad(name)
        ]

    once, twice = gradients(0.0), gradients(0.1)
    assert sum(numpy.abs(gradient).sum() for gradient in once) > 0
    for one, other in zip(once, twice, strict=True):
        assert other == pytest.approx(one, rel=1e-4, abs=1e-7)


def test_words_are_found_in_the_model():
    words = {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "width": 16,
        "depth": 1,
        "embed_size": 50,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": False,
        "pretrained_vectors": None,
    }
    nlp = spacy.blank("zh")
    pipe = nlp.add_pipe("absa_gru", config={"model": {**TINY, "words": words}})
    assert pipe.model.get_ref("words").get_dim("nO") == 16
