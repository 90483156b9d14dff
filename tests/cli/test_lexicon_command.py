import json

import pytest
import spacy

from spacy_absa.lexicon import Lexicon


@pytest.fixture
def corpus(absa, tmp_path):
    rows = [
        ("Q7不如q7", [[0, 2], [4, 6]]),
        ("本田和Q7", [[0, 2], [3, 5]]),
        ("又见本田，ＢＭＷ", [[2, 4], [5, 8]]),
    ]
    with open(tmp_path / "data.jsonl", "w", encoding="utf8") as file:
        for text, spans in rows:
            record = {"text": text, "spans": [[*span, "pos"] for span in spans]}
            file.write(json.dumps(record) + "\n")
    assert absa("convert", "data.jsonl", "train/a.spacy").code == 0
    return "train"


def names(path):
    return [json.loads(line)["pattern"] for line in path.read_text().splitlines()]


def test_names_as_they_are_mostly_written(absa, corpus, tmp_path):
    assert absa("lexicon", corpus, "names.jsonl").code == 0
    assert names(tmp_path / "names.jsonl") == ["Q7", "本田"]
    assert absa("lexicon", corpus, "names.jsonl", "--min-count", 1).code == 0
    assert names(tmp_path / "names.jsonl") == ["ＢＭＷ", "Q7", "本田"]


def test_words_that_mostly_mean_something_else_are_left_out(absa, tmp_path):
    texts = [("发现本田", [[0, 2], [2, 4]]), ("有发现", []), ("没发现本田", [[3, 5]])]
    records = [{"text": text, "spans": [[*s, "pos"] for s in spans]} for text, spans in texts]
    lines = [json.dumps(record) for record in records]
    (tmp_path / "data.jsonl").write_text("\n".join(lines), encoding="utf8")
    absa("convert", "data.jsonl", "a.spacy")
    # 发现 is labelled once in three.
    for share, expected in ((0.34, ["本田"]), (0.33, ["发现", "本田"])):
        absa("lexicon", "a.spacy", "names.jsonl", "--min-count", 1, "--min-share", share)
        assert names(tmp_path / "names.jsonl") == expected


def test_other_lists_are_joined_and_keep_their_ids(absa, corpus, tmp_path):
    entry = {"label": "CAR", "pattern": "q7", "id": "audi-q7"}
    (tmp_path / "cars.jsonl").write_text(json.dumps(entry), encoding="utf8")
    (tmp_path / "more.txt").write_text("Q7\n思域\n", encoding="utf8")
    options = ("--join", "cars.jsonl", "--join", "more.txt")
    assert absa("lexicon", corpus, "names.jsonl", *options).code == 0
    joined = Lexicon.from_file(tmp_path / "names.jsonl").entries
    ids = {entry.pattern: entry.id for entry in joined}
    assert ids == {"q7": "audi-q7", "思域": "思域", "本田": "本田"}


def test_bad_input(refused, corpus):
    assert "labelled 9 times" in refused("lexicon", corpus, "names.jsonl", "--min-count", 9)
    assert "no .spacy file" in refused("lexicon", "nowhere", "names.jsonl")
    assert "must end in .jsonl" in refused("lexicon", corpus, "names.txt")


def test_an_entity_ruler_finds_the_names(absa, corpus, tmp_path):
    absa("lexicon", corpus, "names.jsonl")
    nlp = spacy.blank("zh")
    nlp.add_pipe("entity_ruler").from_disk(tmp_path / "names.jsonl")
    assert [ent.text for ent in nlp("本田好").ents] == ["本田"]
