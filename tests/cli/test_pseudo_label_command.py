import spacy
from spacy.tokens import DocBin

from spacy_absa.cli.pseudo_label import balance
from spacy_absa.types import CharSpan, LabelledText


def example(text, *labels):
    return LabelledText(text, [CharSpan(i, i + 1, label) for i, label in enumerate(labels)])


def test_balance_thins_out_the_majority_and_the_empty():
    plain = [example(f"plain {i}", "NEU", "NEU") for i in range(50)]
    mixed = [example("mixed 1", "NEU", "POS"), example("mixed 2", "NEG")]
    empty = [example(f"empty {i}") for i in range(50)]
    kept = balance(plain + mixed + empty, majority_ratio=2, empty_ratio=0.5)
    assert sorted(e.text.split()[0] for e in kept) == ["empty"] * 3 + ["mixed"] * 2 + ["plain"] * 4
    assert all(example in kept for example in mixed)
    assert balance((empty + mixed + plain)[::-1], 2, 0.5) == kept
    # a sample, not the first ones
    assert [e for e in kept if e in plain] != plain[:4]


def test_balance_of_a_single_label_or_none():
    plain = [example("a", "POS"), example("b", "POS")]
    assert sorted(balance([*plain, example("c")], 0, 0)) == plain
    assert balance([example("c")], 1, 1) == []


def test_only_sure_texts_are_kept(absa, pipeline, tmp_path):
    texts = ["本田", "丰田", "本田和日产", "没有", "本田", "", "日产"]
    (tmp_path / "a.txt").write_text("\n".join(texts), encoding="utf-8")
    options = ("--majority-ratio", 1, "--empty-ratio", 1)
    result = absa("pseudo-label", pipeline, "a.txt", "pseudo.spacy", *options)
    assert result.code == 0
    # found: NEG 1 (丰田), NEU 2 (日产, unsure), POS 2 (本田 alone and beside 日产)
    rows = [line.split() for line in result.out.splitlines()]
    assert ["NEG", "1", "1", "1"] in rows
    assert ["NEU", "2", "0", "0"] in rows
    assert ["POS", "2", "1", "1"] in rows
    docs = list(DocBin().from_disk("pseudo.spacy").get_docs(spacy.blank("zh").vocab))
    assert {doc.text: [(e.text, e.label_) for e in doc.ents] for doc in docs} == {
        "本田": [("本田", "POS")],
        "丰田": [("丰田", "NEG")],
        "没有": [],
    }


def test_two_runs_write_the_same_bytes(absa, pipeline, tmp_path):
    (tmp_path / "a.txt").write_text("本田\n丰田\n没有\n", encoding="utf-8")
    for name in ("one.spacy", "two.spacy"):
        assert absa("pseudo-label", pipeline, "a.txt", name).code == 0
    assert (tmp_path / "one.spacy").read_bytes() == (tmp_path / "two.spacy").read_bytes()


def test_a_pipeline_that_is_never_sure_gives_no_data_and_no_error(absa, pipeline, tmp_path):
    (tmp_path / "a.txt").write_text("日产\n没有\n", encoding="utf-8")
    result = absa("pseudo-label", pipeline, "a.txt", "pseudo.spacy")
    assert result.code == 0
    assert "lower --threshold" in result.out
    assert len(DocBin().from_disk(tmp_path / "pseudo.spacy")) == 0


def test_bad_input(refused, pipeline, tmp_path):
    (tmp_path / "a.txt").write_text("日产\n", encoding="utf-8")
    (tmp_path / "a.csv").write_text("text\n本田\n", encoding="utf-8")
    assert "must end in .spacy" in refused("pseudo-label", pipeline, "a.txt", "pseudo.jsonl")
    assert "no column 'x'" in refused("pseudo-label", pipeline, "a.csv", "p.spacy", "--column", "x")
