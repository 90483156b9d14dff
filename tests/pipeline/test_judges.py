"""What tagger and reader say together, beside what the pipeline of both writes."""

from collections import Counter

import numpy
import pytest
import spacy
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_absa.errors import InputError
from spacy_absa.pipeline.explain import explain
from spacy_absa.pipeline.judges import final_judge

from .conftest import GOLD, READER, TINY, examples_of

TEXTS = [*GOLD, "", "我喜欢宝马和本田"]


def shuffle(model, seed):
    """Weights so large that the model has opinions, and not the same of everything."""
    rng = numpy.random.default_rng(seed)
    for shim in (shim for node in model.walk() for shim in node.shims):
        noise = {name: rng.normal(0, 0.5, value.shape) for name, value in shim.state().items()}
        shim.load_state({name: value.astype("float32") for name, value in noise.items()})


@pytest.fixture(scope="module")
def make(trained):
    """A trained tagger, or one full of doubts; the reader has the labels in another order."""

    def build(*, doubts=False, **config):
        nlp = spacy.blank("zh")
        nlp.add_pipe("absa_gru", config={"model": TINY})
        nlp.add_pipe("absa_polarity", config={"model": READER, **config})
        labels = {"absa_gru": ["NEG", "NEU", "POS"], "absa_polarity": ["POS", "NEG", "NEU"]}
        for name in labels:
            nlp.config["initialize"]["components"][name] = {"labels": labels[name]}
        examples = examples_of(nlp)
        fix_random_seed(0)
        nlp.initialize(lambda: examples)
        shuffle(nlp.get_pipe("absa_polarity").model, 1)
        if not doubts:
            nlp.get_pipe("absa_gru").from_bytes(trained.get_pipe("absa_gru").to_bytes())
        return nlp

    return build


def extents(doc):
    return [(entry["start"], entry["end"]) for entry in doc._.absa]


def test_opinions_are_those_of_the_pipeline(make):
    nlp = make(share=0.7)
    docs = [nlp(text) for text in TEXTS]
    found = final_judge(nlp).opinions(docs, [extents(doc) for doc in docs])
    assert sum(map(len, found)) >= 5
    for doc, rows in zip(docs, found, strict=True):
        scores = [list(entry["scores"].values()) for entry in doc._.absa]
        ordered = rows[:, [final_judge(nlp).labels.index(n) for n in ("POS", "NEG", "NEU")]]
        assert ordered.tolist() == [pytest.approx(row, abs=1e-5) for row in scores]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_labels_are_drawn_from_both_and_entities_from_the_tagger(make, share):
    nlp, n = make(doubts=True, share=share), 1500
    judge = final_judge(nlp)
    docs = [nlp.make_doc("本田车"), nlp.make_doc(""), nlp.make_doc("丰田")]
    drawn = judge.sample(docs, n, numpy.random.default_rng(0))
    assert drawn == judge.sample(docs, n, numpy.random.default_rng(0))
    alone = judge.tagger.sample(docs, n, numpy.random.default_rng(0))
    n_compared = 0
    for doc, readings, others in zip(docs, drawn, alone, strict=True):
        assert [[s[:2] for s in r] for r in readings] == [[s[:2] for s in r] for r in others]
        by_places = Counter(tuple(span[:2] for span in reading) for reading in readings)
        for places, count in by_places.items():
            if not places or count < 100:
                continue
            tagger = judge.tagger.opinions([doc], [places])[0]
            order = [judge.reader.labels.index(label) for label in judge.labels]
            reader = judge.reader.opinions([doc], [places])[0][:, order]
            expected = tagger ** (1 - share) * reader**share
            expected /= expected.sum(axis=1, keepdims=True)
            same = [r for r in readings if tuple(span[:2] for span in r) == places]
            for place, row in enumerate(expected):
                labels = Counter(reading[place].label for reading in same)
                for label, p in zip(judge.labels, row, strict=True):
                    # Five standard deviations
                    assert abs(labels[label] - count * p) <= 5 * (count * p * (1 - p)) ** 0.5 + 1
                n_compared += 1
    assert n_compared >= 4


def test_each_set_of_entities_is_read_once(make, monkeypatch):
    nlp = make(doubts=True)
    judge = final_judge(nlp)
    asked, opinions = [], judge.reader.opinions

    def count(docs, groups):
        asked.extend((doc.text, those) for doc, those in zip(docs, groups, strict=True))
        return opinions(docs, groups)

    monkeypatch.setattr(judge.reader, "opinions", count)
    docs = [nlp.make_doc(text) for text in ("本田", "丰田")]
    drawn = judge.sample(docs, 200, numpy.random.default_rng(0))
    sets = {
        (doc.text, tuple(span[:2] for span in reading))
        for doc, readings in zip(docs, drawn, strict=True)
        for reading in readings
    }
    assert (len(asked), set(asked)) == (len(sets), sets)
    assert judge.sample([nlp.make_doc("")], 2, numpy.random.default_rng(0)) == [[[], []]]


def test_the_surprise_at_the_gold_reading(make):
    nlp = make(doubts=True, share=0.6)
    judge, text = final_judge(nlp), "本田"
    # The whole text is the entity, so nothing around it has a say in the label.
    examples = [
        Example.from_dict(nlp.make_doc(text), {"entities": [(0, 2, label)]})
        for label in judge.labels
    ]
    alone, both = (numpy.exp(-numpy.array(j.surprise(examples))) for j in (judge.tagger, judge))
    assert both.sum() == pytest.approx(alone.sum())
    (shares,) = judge.opinions([examples[0].predicted], [[(0, 2)]])[0]
    assert both / both.sum() == pytest.approx(shares)
    bare, unknown = examples_of(nlp, {text: [], "丰田": [(0, 2, "OTHER")]})
    assert judge.surprise([bare, unknown]) == judge.tagger.surprise([bare, unknown])
    (nothing,) = judge.tagger.surprise([bare])
    expected = pytest.approx([numpy.inf, nothing, -numpy.log(both[1])])
    assert judge.surprise([unknown, bare, examples[1]]) == expected


def test_whose_word_is_the_last(make):
    nlp = make()
    judge = final_judge(nlp)
    assert (judge.tagger, judge.reader) == (nlp.pipeline[0][1], nlp.pipeline[1][1])
    with nlp.select_pipes(disable="absa_polarity"):
        assert final_judge(nlp) is nlp.get_pipe("absa_gru")
    judge.reader.spans_key = "others"
    assert final_judge(nlp) is nlp.get_pipe("absa_gru")
    judge.reader.cfg["labels"] = ["A", "B", "C"]
    with pytest.raises(InputError, match="'absa_gru' has NEG, NEU, POS: train both"):
        judge.opinions([nlp.make_doc("本田")], [[(0, 2)]])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_final_label_is_explained(make, share):
    nlp = make(share=share)
    doc = nlp("我喜欢本田，我不喜欢丰田")
    judge = final_judge(nlp)
    explain(judge, [doc])
    found = doc._.absa
    assert any(entry["explanation"] for entry in found)
    nlp.add_pipe("absa_explain")
    assert nlp(doc.text)._.absa == found
    one = {0.0: judge.tagger, 1.0: judge.reader}.get(share)
    if one is not None:
        explain(one, [doc])
        assert doc._.absa == found


def test_behind_another_finder_the_reader_explains_itself(make):
    nlp = spacy.blank("zh")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "CAR", "pattern": name} for name in ("本田", "丰田")])
    nlp.add_pipe("absa_polarity", source=make())
    with pytest.raises(InputError, match="'entity_ruler', which has no opinions"):
        nlp.add_pipe("absa_explain", config={"component": "entity_ruler"})
    nlp.add_pipe("absa_explain", config={"component": "absa_polarity"})
    first, second = nlp("我喜欢本田，我不喜欢丰田")._.absa
    assert first["explanation"] or second["explanation"]


def test_rivals_in_reach_are_marked_for_the_reader(make):
    nlp = make()
    text = "本田啊啊我喜欢丰田啊宝马"
    doc = nlp.make_doc(text)
    nlp(doc)
    doc._.absa = [
        {"start": start, "end": end, "label": "POS"} for start, end in ((0, 2), (7, 9), (10, 12))
    ]

    class Spy:
        labels, asked = ("NEG", "POS"), []

        def opinions(self, docs, groups):
            self.asked.append((docs[0].text, groups[0]))
            assert groups == [groups[0]] * len(docs)
            return [numpy.full((len(those), 2), 0.5) for those in groups]

    explain(Spy(), [doc], reach=6)
    assert Spy.asked == [
        (text[:8], [(0, 2), (7, 8)]),
        (text[1:], [(6, 8), (0, 1), (9, 11)]),
        (text[4:], [(6, 8), (3, 5)]),
    ]
