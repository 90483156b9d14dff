"""Components that have learned something, and begin anew or learn further labels."""

import pytest
import spacy
from spacy.training import Example
from spacy.util import fix_random_seed

from .conftest import GOLD, READER, TINY, examples_of, train

CHARLM = {"@architectures": "spacy_absa.CharLanguageModel.v1", "charlm": TINY["charlm"]}
OTHERS = {"酒店的早餐冷透了，服务倒还行": [(3, 5, "BAD"), (9, 11, "FAIR")], "前台很慢": []}


def make(*components):
    nlp = spacy.blank("zh")
    models = {"absa_gru": TINY, "absa_polarity": READER, "char_lm": CHARLM}
    for name in components:
        nlp.add_pipe(name, config={"model": models[name]})
    return nlp


def weights(nlp):
    return [pipe.model.to_bytes() for _, pipe in nlp.pipeline]


@pytest.mark.parametrize(
    "components", [["absa_gru"], ["absa_gru", "absa_polarity"], ["char_lm"]], ids="+".join
)
@pytest.mark.parametrize("gold", [GOLD, OTHERS], ids=["same", "others"])
def test_initialisation_forgets_what_was_learned(components, gold):
    fresh, used = make(*components), make(*components)
    train(used, examples_of(used), 3)
    for name in ("absa_gru", "absa_polarity"):
        if name in components:
            used.get_pipe(name).cfg["labels"] = []
    for nlp in (fresh, used):
        fix_random_seed(1)
        nlp.initialize(lambda nlp=nlp: examples_of(nlp, gold))
    assert weights(used) == weights(fresh)
    optimizers = fresh.create_optimizer(), used.create_optimizer()
    for nlp, optimizer in zip((fresh, used), optimizers, strict=True):
        for _ in range(2):
            nlp.update(examples_of(nlp, gold), sgd=optimizer)
    assert weights(used) == weights(fresh)


def test_a_larger_alphabet_than_before():
    nlp = make("absa_gru")
    train(nlp, examples_of(nlp), 2)
    alphabet = nlp.get_pipe("absa_gru").model.get_ref("charlm").get_ref("symbols").attrs["alphabet"]
    longer = {text * 2 + "宝马奔驰奥迪" * 2: [] for text in GOLD}
    nlp.initialize(lambda: examples_of(nlp, longer))
    charlm = nlp.get_pipe("absa_gru").model.get_ref("charlm")
    assert len(charlm.get_ref("symbols").attrs["alphabet"]) > len(alphabet)
    assert nlp("奔驰奥迪").text == "奔驰奥迪"


@pytest.mark.parametrize("components", [["absa_gru"], ["absa_gru", "absa_polarity"]], ids="+".join)
def test_a_label_that_comes_late_is_learned_by_the_same_optimizer(components):
    nlp = make(*components)
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples_of(nlp))
    optimizer.learn_rate = 0.02
    for _ in range(10):
        nlp.update(examples_of(nlp), sgd=optimizer)
    for name in components:
        assert nlp.get_pipe(name).add_label("MIX") == 1
    text = "我喜欢本田，我不喜欢丰田"
    late = [Example.from_dict(nlp.make_doc(text), {"entities": [(3, 5, "MIX")]})]
    for _ in range(40):
        nlp.update(late, sgd=optimizer)
    assert [(ent.text, ent.label_) for ent in nlp(text).ents] == [("本田", "MIX")]
