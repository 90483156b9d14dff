import numpy
import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_absa.decoding.lexicon import Lexicon, LexiconEntry
from spacy_absa.errors import InputError

TINY = {
    "@architectures": "spacy_absa.CharTagger.v1",
    "charlm": {"@architectures": "spacy_absa.CharLM.v1", "vector_width": 16, "width": 16},
    "encoder": {"@architectures": "spacy_absa.BiGRUEncoder.v1", "width": 16},
    "output": {"@architectures": "spacy_absa.CRF.v1"},
}
GOLD = {
    "我喜欢本田，我不喜欢丰田": [(3, 5, "POS"), (10, 12, "NEG")],
    "丰田不错": [(0, 2, "POS")],
    "今天天气好": [],
    "店里有宝马": [(3, 5, "NEU")],
}


@pytest.fixture(scope="module")
def trained():
    fix_random_seed(0)
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    examples = [
        Example.from_dict(nlp.make_doc(text), {"entities": spans}) for text, spans in GOLD.items()
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(80):
        nlp.update(examples, sgd=optimizer)
    return nlp


def test_it_learns_and_describes_what_it_finds(trained):
    for text, spans in GOLD.items():
        doc = trained(text)
        assert [(e.start_char, e.end_char, e.label_) for e in doc.ents] == spans
        for ent, entry in zip(doc.ents, doc._.absa, strict=True):
            assert sum(ent._.sentiment_scores.values()) == pytest.approx(1)
            assert 0 < ent._.absa_score <= 1
            assert text[entry["start"] : entry["end"]] == entry["text"] == ent.text


def test_a_saved_pipeline_gives_equal_values(trained, tmp_path):
    trained.to_disk(tmp_path)
    for loaded in (spacy.load(tmp_path), spacy.blank("zh")):
        if not loaded.pipe_names:
            loaded.add_pipe("absa_gru", config={"model": TINY})
            loaded.from_bytes(trained.to_bytes())
        for text in GOLD:
            assert loaded(text)._.absa == trained(text)._.absa


def test_batch_mates_do_not_matter(trained):
    pipe = trained.get_pipe("absa_gru")
    docs = [trained.make_doc(text) for text in [*GOLD, ""]]
    together = pipe.model.predict(docs).scores
    for doc, scores in zip(docs, together, strict=True):
        if len(doc):
            assert numpy.abs(pipe.model.predict([doc]).scores[0] - scores).max() < 1e-5
    for doc in trained.pipe([*GOLD, ""]):
        alone = trained(doc.text)._.absa
        assert [entry["label"] for entry in doc._.absa] == [entry["label"] for entry in alone]
        for entry, other in zip(doc._.absa, alone, strict=True):
            assert entry["score"] == pytest.approx(other["score"], abs=1e-5)


def test_the_lexicon_is_forced_and_gives_ids(trained):
    pipe = trained.get_pipe("absa_gru")
    before = pipe.lexicon, pipe.lexicon_mode
    pipe.set_lexicon(Lexicon([LexiconEntry("宝马", "bmw")]))
    pipe.lexicon_mode = "force"
    assert trained("我喜欢本田，我不喜欢丰田").ents == ()
    (ent,) = trained("店里有宝马").ents
    assert (ent.text, ent.kb_id_) == ("宝马", "bmw")
    pipe.lexicon, pipe.lexicon_mode = before


def test_docbin_and_json_keep_the_attributes(trained):
    doc = trained("丰田不错")
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (again,) = DocBin().from_bytes(data).get_docs(trained.vocab)
    assert list(again._.absa) == doc._.absa
    assert doc.to_json(underscore=["absa"])["_"]["absa"] == doc._.absa


def test_unknown_gold_exerts_no_pull(trained):
    pipe = trained.get_pipe("absa_gru")
    doc = trained.make_doc("店里有宝马")
    example = Example.from_dict(doc, {"entities": ["-"] * len(doc)})
    loss, gradient = pipe.get_loss([example], pipe.model.predict([doc]))
    assert loss == pytest.approx(0, abs=1e-9)
    assert numpy.abs(gradient.scores[0]).max() < 1e-6


def test_no_labels_and_another_format_are_refused(trained, tmp_path):
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    empty = [Example.from_dict(nlp.make_doc("今天"), {"entities": []})]
    with pytest.raises(InputError, match="no label to learn"):
        nlp.initialize(lambda: empty)
    trained.to_disk(tmp_path)
    cfg = tmp_path / "absa_gru/cfg"
    cfg.write_text(cfg.read_text().replace('"format":1', '"format":99'))
    with pytest.raises(InputError, match="format 99"):
        spacy.load(tmp_path)
