"""What the repository ships: the trained pipeline, the list of car names."""

import subprocess
import sys
from collections import Counter
from itertools import permutations
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.training import Example

from spacy_absa.data.jsonl import read_annotated
from spacy_absa.lexicon import Lexicon

ASSETS = Path(__file__).parents[1] / "assets"
CARS = ASSETS / "zh_absa_cars"


@pytest.fixture(scope="module")
def nlp():
    return spacy.load(CARS)


def found(doc):
    return [(ent.text, ent._.sentiment, ent.kb_id_) for ent in doc.ents]


def test_the_pipeline_is_small_and_describes_itself(nlp):
    assert sum(file.stat().st_size for file in CARS.rglob("*") if file.is_file()) <= 8_000_000
    assert (nlp.meta["lang"], nlp.meta["name"]) == ("zh", "absa_cars")
    assert nlp.meta["performance"]["semifinal_dev_micro_f1"] > 0.8
    card = (CARS / "README.md").read_text(encoding="utf8")
    assert "Limits" in card
    for figure in nlp.meta["performance"].values():
        assert f"{figure:.3f}".lstrip("0") in card


def test_the_first_sentence_of_the_readme(nlp):
    assert found(nlp("哈弗H6省油又好看，邻居那台途观天天修，真坑。")) == [
        ("哈弗H6", "positive", "haval-h6"),
        ("途观", "negative", "volkswagen-tiguan"),
    ]


@pytest.mark.parametrize("name", ["Q7", "q7", "Ｑ７"])
def test_case_and_width_do_not_matter(nlp, name):
    (ent,) = nlp(f"奥迪将于下月公布新一代{name}的价格。").ents[1:]
    assert (ent.text, ent._.sentiment, ent.kb_id_) == (name, "neutral", "audi-q7")


@pytest.mark.parametrize(
    ("pattern", "sentiments"),
    [
        ("我喜欢{}，我不喜欢{}", ["positive", "negative"]),
        ("{}比{}好", ["positive", "negative"]),
        ("{}不如{}", ["negative", "positive"]),
        ("{}没有{}省油", ["negative", "positive"]),
    ],
)
def test_what_is_said_of_a_make_counts_and_not_its_reputation(nlp, pattern, sentiments):
    makes = ["本田", "丰田", "大众", "宝马", "奔驰", "奥迪"]
    pairs = list(permutations(makes, 2))
    docs = nlp.pipe(pattern.format(*pair) for pair in pairs)
    for doc, pair in zip(docs, pairs, strict=True):
        assert [ent.text for ent in doc.ents] == list(pair)
        assert [ent._.sentiment for ent in doc.ents] == sentiments


def test_plain_opinions(nlp):
    # Three quarters is what it has; see the model card.
    right = total = 0
    for record, gold in read_annotated(ASSETS / "plain" / "test.jsonl"):
        found = {(ent.start_char, ent.end_char): ent.label_ for ent in nlp(record.text).ents}
        total += len(gold)
        right += sum(found.get((start, end)) == label for start, end, label in gold)
    assert right / total > 0.65


def test_a_few_updates_correct_it():
    nlp = spacy.load(CARS)
    text = "蒙迪欧的车机能把人气笑"
    assert found(nlp(text))[0][1] == "neutral"
    optimizer = nlp.resume_training()
    example = Example.from_dict(nlp.make_doc(text), {"entities": [(0, 3, "NEG")]})
    for _ in range(5):
        nlp.update([example], sgd=optimizer)
    assert found(nlp(text))[0][1] == "negative"
    assert found(nlp("我喜欢本田"))[0][1] == "positive"


def test_composed_opinions_are_about_names_of_the_list():
    arguments = [ASSETS / "plain" / "compose.py", ASSETS / "zh_cars.jsonl", "300", "1"]
    composed = subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    lines = [srsly.json_loads(line) for line in composed.stdout.decode("utf8").splitlines()]
    assert len(lines) == 300
    names = {entry.pattern for entry in Lexicon.from_file(ASSETS / "zh_cars.jsonl").entries}
    for line in lines:
        assert "{" not in line["text"]
        assert all(line["text"][start:end] in names for start, end, _ in line["spans"])
    opinions = Counter(opinion for line in lines for _, _, opinion in line["spans"])
    assert min(opinions["pos"], opinions["neg"]) > 150 and opinions["neu"] > 20


def test_most_names_outside_of_the_list_are_found(nlp):
    names = ["飞驰星光X9", "雷霆XT7", "云峰S3", "蓝鲸Z6", "赤兔GT", "天枢V5"]
    assert not {entry.pattern for entry in nlp.get_pipe("absa_gru").lexicon.entries} & {*names}
    contexts = ["全新大众{}正式上市。", "全新{}售价15万元起。", "昨天试驾了{}，动力很足。"]
    texts = [(context.format(name), name) for name in names for context in contexts]
    found = [any(name in e.text for e in doc.ents) for doc, name in nlp.pipe(texts, as_tuples=True)]
    assert sum(found) / len(found) > 0.7


def test_the_list_of_cars_is_that_of_the_pipeline(nlp):
    assert Lexicon.from_file(ASSETS / "zh_cars.jsonl") == nlp.get_pipe("absa_gru").lexicon
