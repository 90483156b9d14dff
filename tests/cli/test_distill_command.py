from collections import Counter

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
