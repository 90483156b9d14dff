from collections import Counter

import numpy
import spacy
from spacy.tokens import DocBin
from spacy.training import Example


def test_readings_are_drawn_with_their_doubts(absa, tiny, tmp_path):
    # The teacher learns from POS once and NEG three times, so it believes a quarter of POS.
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": tiny})
    examples = [
        Example.from_dict(nlp.make_doc("试驾本田"), {"entities": [(2, 4, label)]})
        for label in ("POS", "NEG", "NEG", "NEG")
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(80):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(tmp_path / "teacher")
    (tmp_path / "a.txt").write_text("试驾本田\n\n试驾本田\n", encoding="utf-8")

    assert absa("distill", "teacher", "a.txt", "out.spacy", "--samples", 400).code == 0
    docs = list(DocBin().from_disk(tmp_path / "out.spacy").get_docs(nlp.vocab))
    assert len(docs) == 400
    drawn = Counter((ent.text, ent.label_) for doc in docs for ent in doc.ents)
    assert 0.15 < drawn["本田", "POS"] / 400 < 0.35
    assert 0.6 < drawn["本田", "NEG"] / 400 < 0.85

    absa("distill", "teacher", "a.txt", "again.spacy", "--samples", 400)
    assert (tmp_path / "again.spacy").read_bytes() == (tmp_path / "out.spacy").read_bytes()


def test_an_output_of_another_kind_is_refused(refused):
    assert "must end in .spacy" in refused("distill", "teacher", "a.txt", "out.jsonl")


def test_a_tagger_that_listens_hears_what_stands_before_it(absa, tiny, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": {"width": 16, "embed_size": 50}})
    words = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    tagger = nlp.add_pipe("absa_gru", config={"model": {**tiny, "words": words}})
    texts = ["I love Honda", "I hate Honda"]
    gold = {"entities": [(7, 12, "POS")]}
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc(text), gold) for text in texts])
    nlp.to_disk(tmp_path / "teacher")
    (tmp_path / "a.txt").write_text("\n".join(texts), encoding="utf-8")

    def drawn(docs):
        readings = tagger.sample(docs, 50, numpy.random.default_rng(0))
        return [{(start, end) for start, end, _ in one} for those in readings for one in those]

    assert absa("distill", "teacher", "a.txt", "out.spacy", "--samples", 50).code == 0
    docs = DocBin().from_disk(tmp_path / "out.spacy").get_docs(nlp.vocab)
    found = [{(ent.start_char, ent.end_char) for ent in doc.ents} for doc in docs]
    expected, deaf = drawn(nlp.pipe(texts)), drawn(map(nlp.make_doc, texts))
    on_tokens = [{(s, e) for s, e in one if nlp(texts[0]).char_span(s, e)} for one in expected]
    assert found == on_tokens
    assert expected != deaf
