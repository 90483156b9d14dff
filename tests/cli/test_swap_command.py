import json

import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.vocab import Vocab


def read(path):
    docs = DocBin().from_disk(path).get_docs(Vocab())
    return [(doc.text, [(ent.text, ent.label_) for ent in doc.ents]) for doc in docs]


def test_copies_with_names_of_the_list(absa, tmp_path):
    records = [
        {"text": "本田好，丰田不好", "spans": [[0, 2, "pos"], [4, 6, "neg"]]},
        {"text": "天气好", "spans": []},
    ]
    lines = [json.dumps(record) for record in records]
    (tmp_path / "plain.jsonl").write_text("\n".join(lines), encoding="utf8")
    (tmp_path / "names.txt").write_text("宝马\n奔驰\n奥迪\n", encoding="utf8")
    absa("convert", "plain.jsonl", "plain.spacy")
    options = ("--lexicon", "names.txt", "--copies", 20)
    result = absa("swap", "plain.spacy", "out.spacy", *options)
    assert (result.code, "20 copies of 1" in result.out) == (0, True)
    copies = read(tmp_path / "out.spacy")
    assert len(copies) == 20
    for text, ((first, pos), (second, neg)) in copies:
        assert text == f"{first}好，{second}不好"
        assert (pos, neg) == ("POS", "NEG")
    assert {name for _, ents in copies for name, _ in ents} == {"宝马", "奔驰", "奥迪"}
    # the same names in every run
    absa("swap", "plain.spacy", "again.spacy", *options)
    assert read(tmp_path / "again.spacy") == copies


def test_texts_with_unknown_entities_are_left_out(absa, tmp_path):
    # A copy would say that there is no entity where nobody knows.
    make_doc = spacy.blank("zh").make_doc
    gold = [["B-POS", "L-POS", "O", "O"], ["B-POS", "L-POS", "-", "O"]]
    docs = [Example.from_dict(make_doc("本田Q7"), {"entities": tags}).reference for tags in gold]
    DocBin(docs=docs).to_disk(tmp_path / "plain.spacy")
    (tmp_path / "names.txt").write_text("宝马", encoding="utf8")
    options = ("--lexicon", "names.txt", "--copies", 1)
    assert absa("swap", "plain.spacy", "out.spacy", *options).code == 0
    assert read(tmp_path / "out.spacy") == [("宝马Q7", [("宝马", "POS")])]


def test_bad_input(refused, tmp_path):
    (tmp_path / "names.txt").write_text("宝马\n", encoding="utf8")
    assert "no .spacy file" in refused("swap", "nowhere", "out.spacy", "--lexicon", "names.txt")
    assert "no .spacy file" in refused("swap", "names.txt", "a.spacy", "--lexicon", "names.txt")
    assert "--lang klingon" in refused(
        "swap", "a", "a.spacy", "--lexicon", "names.txt", "--lang", "klingon"
    )
    assert "must end in .spacy" in refused("swap", "a", "out.jsonl", "--lexicon", "names.txt")


def test_the_input_is_not_written_over(refused, tmp_path):
    message = refused("swap", "a.spacy", tmp_path / "a.spacy", "--lexicon", "names.txt")
    assert "a.spacy: is the input as well" in message
    (tmp_path / "corpus").mkdir()
    message = refused("swap", "corpus", "corpus/more/a.spacy", "--lexicon", "names.txt")
    assert "lies in the folder that is read" in message
