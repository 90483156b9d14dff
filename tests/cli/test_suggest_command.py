import json

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_absa.lexicon import Lexicon, LexiconEntry

TINY = {
    "@architectures": "spacy_absa.CharTagger.v1",
    "charlm": {"@architectures": "spacy_absa.CharLM.v1", "vector_width": 8, "width": 8},
    "encoder": {"@architectures": "spacy_absa.BiGRUEncoder.v1", "width": 8},
    "output": {"@architectures": "spacy_absa.CRF.v1"},
}
TEXTS = ["😀我喜欢本田", "我讨厌丰田", "我讨厌丰田！", "😀😀讨厌本田，喜欢丰田", "今天下雨"]


@pytest.fixture(scope="module")
def trained():
    """A pipeline that knows the first two texts, and has 本田 alone in its entity list."""
    fix_random_seed(0)
    nlp = spacy.blank("zh")
    absa = nlp.add_pipe("absa_gru", config={"model": TINY})
    gold = {TEXTS[0]: (4, 6, "POS"), TEXTS[1]: (3, 5, "NEG")}
    examples = [
        Example.from_dict(nlp.make_doc(text), {"entities": [entity]})
        for text, entity in gold.items()
    ]
    optimizer = nlp.initialize(lambda: examples * 2)
    optimizer.learn_rate = 0.02
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    absa.set_lexicon(Lexicon([LexiconEntry("本田", "")]))
    return nlp


@pytest.fixture
def nlp(trained, tmp_path):
    """That pipeline as `tagger`, and raw texts `raw.txt`."""
    trained.to_disk(tmp_path / "tagger")
    (tmp_path / "raw.txt").write_text("\n".join([*TEXTS, "", TEXTS[0]]), encoding="utf8")
    return trained


def entities(doc):
    return [(e.start_char, e.end_char, e.label_) for e in doc.ents]


def export(tool, path):
    """What the tool would export had an annotator accepted all suggestions."""
    text = path.read_text(encoding="utf8")
    if tool == "label-studio":
        tasks = json.loads(text)
        for number, task in enumerate(tasks, start=1):
            result = task["predictions"][0]["result"]
            task |= {"id": number, "annotations": [{"completed_by": 1, "result": result}]}
        path.write_text(json.dumps(tasks), encoding="utf8")
        return
    lines = [json.loads(line) for line in text.splitlines()]
    for number, line in enumerate(lines, start=1):
        more = {"id": number, "Comments": []} if tool == "doccano" else {"answer": "accept"}
        line |= more
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf8")


@pytest.mark.parametrize(
    ("tool", "suffix"), [("label-studio", "json"), ("doccano", "jsonl"), ("prodigy", "jsonl")]
)
def test_what_is_suggested_comes_back_as_training_data(absa, nlp, tmp_path, tool, suffix):
    tasks = tmp_path / f"tasks.{suffix}"
    result = absa("suggest", "tagger", "raw.txt", tasks.name, "--n", 10, "--format", tool)
    assert result.code == 0
    export(tool, tasks)
    assert absa("convert", tasks.name, "train.spacy").code == 0
    docs = list(DocBin().from_disk(tmp_path / "train.spacy").get_docs(nlp.vocab))
    found = {doc.text: entities(doc) for doc in docs}
    assert found == {text: entities(nlp(text)) for text in found}
    assert found[TEXTS[3]]  # entities behind two emoji


def suggested(absa, tmp_path, *options):
    result = absa("suggest", "tagger", "raw.txt", "t.jsonl", "--format", "doccano", *options)
    assert result.code == 0
    lines = (tmp_path / "t.jsonl").read_text(encoding="utf8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def test_unknown_names_come_first_and_near_copies_do_not_come(absa, nlp, tmp_path):
    two = suggested(absa, tmp_path, "--n", 2)
    assert any("丰田" in text for text in two)
    assert not {TEXTS[1], TEXTS[2]} <= set(two)


def test_two_runs_suggest_the_same(absa, nlp, tmp_path):
    assert suggested(absa, tmp_path) == suggested(absa, tmp_path)


def test_labelled_texts_are_left_out(absa, nlp, tmp_path):
    DocBin(docs=[nlp.make_doc(TEXTS[3])]).to_disk(tmp_path / "train.spacy")
    texts = suggested(absa, tmp_path, "--labelled", "train.spacy")
    assert TEXTS[3] not in texts
    assert TEXTS[1] in texts or TEXTS[2] in texts


def test_bad_input(refused, nlp, tmp_path):
    (tmp_path / "empty.txt").write_text("\n")
    assert "must end in .json" in refused("suggest", "tagger", "raw.txt", "t.jsonl")
    assert "must end in .jsonl" in refused(
        "suggest", "tagger", "raw.txt", "t.json", "--format", "prodigy"
    )
    assert "no text there" in refused("suggest", "tagger", "empty.txt", "t.json")
    assert "no .spacy file" in refused("suggest", "tagger", "raw.txt", "t.json", "--labelled", "x")
