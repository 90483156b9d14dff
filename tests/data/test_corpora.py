import random

import numpy
import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Corpus

from spacy_absa.data.corpora import (
    create_corpus,
    create_raw_text_reader,
    in_dev,
    read_docs,
    to_doc,
    write_docs,
)
from spacy_absa.errors import InputError
from spacy_absa.types import CharSpan


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("zh")


@pytest.fixture(scope="module")
def english():
    return spacy.blank("en")


def reader(paths, **settings):
    block = {"@readers": "spacy_absa.RawText.v1", "paths": paths, **settings}
    return spacy.registry.resolve({"corpus": block})["corpus"]


def texts(read, nlp):
    return [example.reference.text for example in read(nlp)]


def tags(doc):
    return [token.ent_iob_ + (token.ent_type_ and f"-{token.ent_type_}") for token in doc]


def test_entities_of_character_tokens(nlp):
    text = "我要RAV4 荣放 😀"
    doc, misaligned = to_doc(nlp.tokenizer, text, [CharSpan(2, 9, "POS")])
    assert (doc.text, misaligned) == (text, [])
    assert [(e.text, e.label_) for e in doc.ents] == [("RAV4 荣放", "POS")]
    assert {token.ent_iob_ for token in doc} == {"B", "I", "O"}


def test_misaligned_spans_are_missing_not_guessed(english):
    text = "the keyboards are fine"
    spans = [CharSpan(4, 7, "NEG"), CharSpan(7, 12, "POS"), CharSpan(18, 22, "NEU")]
    doc, misaligned = to_doc(english.tokenizer, text, spans)
    assert misaligned == spans[:2]
    assert tags(doc) == ["O", "", "O", "B-NEU"]


def test_a_span_of_blanks_alone_is_misaligned(english):
    doc, misaligned = to_doc(english.tokenizer, "a b", [CharSpan(1, 2, "POS")])
    assert len(misaligned) == 1
    assert not doc.ents


def test_docs_are_read_back_by_spacy(nlp, tmp_path):
    doc, _ = to_doc(nlp.tokenizer, "本田好", [CharSpan(0, 2, "POS")])
    doc.user_data["sentence_id"] = "S1"
    write_docs(tmp_path / "new" / "train.spacy", [doc])
    (example,) = Corpus(tmp_path / "new")(nlp)
    assert [(e.text, e.label_) for e in example.reference.ents] == [("本田", "POS")]
    (read,) = DocBin().from_disk(tmp_path / "new" / "train.spacy").get_docs(nlp.vocab)
    assert read.user_data["sentence_id"] == "S1"


def test_raw_texts_are_cut_and_repeated_ones_dropped(nlp, tmp_path):
    (tmp_path / "a.txt").write_text("本田很好。丰田不好。\n本田\n\n好\n  \n", encoding="gb18030")
    (tmp_path / "b.jsonl").write_text('{"text": "本田"}\n{"text": "日产"}\n')
    read = reader([str(tmp_path / "a.txt"), str(tmp_path / "b.jsonl")], max_length=6)
    assert texts(read, nlp) == ["本田很好。", "丰田不好。", "本田", "日产"]
    assert texts(read, nlp) == texts(read, nlp)
    assert texts(reader(str(tmp_path), min_length=1, limit=2), nlp) == [
        "本田很好。丰田不好。",
        "本田",
    ]
    assert texts(reader(str(tmp_path / "b.jsonl"), limit=1), nlp) == ["本田"]


def test_train_and_dev_never_overlap(nlp, tmp_path):
    lines = [f"第{i}辆车很好。不错。" for i in range(400)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    settings = {"dev_share": 0.25, "max_length": 9}
    train, dev, both = (
        texts(reader(str(tmp_path), split=split, **settings), nlp)
        for split in ("train", "dev", "all")
    )
    whole = {
        split: {text for text in part if text[0] == "第"}
        for split, part in (("train", train), ("dev", dev))
    }
    assert not whole["train"] & whole["dev"]
    assert len(train) + len(dev) == len(both)
    assert 70 < len(whole["dev"]) < 130


def test_the_dev_share_at_its_ends():
    assert in_dev("本田", 1.0)
    assert not in_dev("本田", 0.0)


def test_a_damaged_file_is_named_by_whatever_reads_it(nlp, tmp_path):
    docs = [to_doc(nlp.tokenizer, f"{i}本田", [])[0] for i in range(20)]
    for name in ("a.spacy", "b.spacy"):
        write_docs(tmp_path / name, docs)
    block = {"@readers": "spacy_absa.Corpus.v1", "path": str(tmp_path), "limit": 25}
    corpus = spacy.registry.resolve({"corpus": block})["corpus"]
    assert len(list(corpus(nlp))) == 25
    expected = [doc.text for doc in read_docs(tmp_path)]
    whole = (tmp_path / "b.spacy").read_bytes()
    rng = random.Random(0)
    refused = 0
    for _ in range(40):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        for damaged in (bytes(flipped), whole[: rng.randrange(len(whole))]):
            (tmp_path / "b.spacy").write_bytes(damaged)
            try:
                # zlib pads its data with a few bits that mean nothing
                assert [doc.text for doc in read_docs(tmp_path)] == expected
            except InputError as error:
                assert "b.spacy: is damaged" in str(error)
                with pytest.raises(InputError, match=r"b\.spacy: is damaged"):
                    list(corpus(nlp))
                refused += 1
    assert refused > 75


def test_a_corpus_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"give --paths\.train and --paths\.dev"):
        create_corpus(None)
    with pytest.raises(InputError, match=r"gone\.spacy: no \.spacy file"):
        create_corpus(tmp_path / "gone.spacy")(spacy.blank("zh"))
    with pytest.raises(InputError, match=r"give --paths\.texts"):
        next(create_raw_text_reader(None)(spacy.blank("zh")))


def test_user_data_comes_back_as_spacy_gives_it(nlp, tmp_path):
    docs = [nlp.make_doc("本田"), nlp.make_doc("丰田"), nlp.make_doc("")]
    docs[0].user_data["sentence_id"] = "S1"
    docs[1].user_data["._.", "absa", None, None] = [{"text": "丰田", "scores": {"POS": 0.5}}]
    docs[1].user_data["vector"] = numpy.arange(3)
    write_docs(tmp_path / "a.spacy", docs)
    expected = DocBin().from_disk(tmp_path / "a.spacy").get_docs(nlp.vocab)
    for found, wanted in zip(read_docs(tmp_path / "a.spacy"), expected, strict=True):
        assert (found.text, str(found.user_data)) == (wanted.text, str(wanted.user_data))
        assert list(found.user_data) == list(wanted.user_data)
