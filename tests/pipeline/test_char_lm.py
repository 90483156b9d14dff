import math

import numpy
import pytest
import spacy
from spacy.training import Example

TINY = {
    "@architectures": "spacy_absa.CharLanguageModel.v1",
    "charlm": {"@architectures": "spacy_absa.CharLM.v1", "vector_width": 8, "width": 8},
}


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("zh")
    nlp.add_pipe("char_lm", config={"model": TINY})
    docs = [nlp.make_doc(text) for text in ("我喜欢本田", "我喜欢丰田", "他喜欢本田")]
    examples = [Example(doc, doc) for doc in docs]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    before = nlp.evaluate(examples)["lm_perplexity"]
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    assert nlp.evaluate(examples)["lm_perplexity"] < before / 2
    return nlp


def test_perplexity_is_the_mean_surprise(nlp):
    doc = nlp("我喜欢本田")
    (surprise,) = nlp.get_pipe("char_lm").predict([doc])
    assert surprise.shape == (6, 2)
    assert doc._.perplexity == pytest.approx(math.exp(surprise.mean()))
    assert nlp("")._.perplexity is None


def test_every_character_and_every_end_of_text_weighs_the_same(nlp):
    docs = list(nlp.pipe(["我喜欢本田", "田", ""]))
    surprise = numpy.concatenate(nlp.get_pipe("char_lm").predict(docs[:2]))
    scores = nlp.get_pipe("char_lm").score([Example(doc, doc) for doc in docs])
    assert scores["lm_perplexity"] == pytest.approx(math.exp(surprise.mean()))


def test_no_character_is_predicted_from_itself_or_what_is_behind_it(nlp):
    pipe = nlp.get_pipe("char_lm")
    (one,) = pipe.predict([nlp.make_doc("我喜欢本田")])
    (other,) = pipe.predict([nlp.make_doc("我喜他本田")])
    assert one[:2, 0] == pytest.approx(other[:2, 0], abs=1e-5)
    assert one[2, 0] != pytest.approx(other[2, 0], abs=1e-3)
    assert one[4:, 1] == pytest.approx(other[4:, 1], abs=1e-5)
    assert one[3, 1] != pytest.approx(other[3, 1], abs=1e-3)


def test_nearest_characters(nlp):
    pipe = nlp.get_pipe("char_lm")
    assert len(pipe.nearest_characters("欢", 2)) == 2
    with pytest.raises(KeyError):
        pipe.nearest_characters("龘")
