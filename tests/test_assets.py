"""What the repository ships: the trained pipeline, the list of car names."""

from pathlib import Path

import pytest
import spacy

from spacy_absa.decoding.lexicon import Lexicon

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
    assert "Limits" in (CARS / "README.md").read_text(encoding="utf8")


def test_the_first_sentence_of_the_readme(nlp):
    assert found(nlp("哈弗H6省油又好看，邻居那台途观天天修，真坑。")) == [
        ("哈弗H6", "positive", "haval-h6"),
        ("途观", "negative", "volkswagen-tiguan"),
    ]


@pytest.mark.parametrize("name", ["Q7", "q7", "Ｑ７"])
def test_case_and_width_do_not_matter(nlp, name):
    (ent,) = nlp(f"奥迪将于下月公布新一代{name}的价格。").ents[1:]
    assert (ent.text, ent._.sentiment, ent.kb_id_) == (name, "neutral", "audi-q7")


def test_names_outside_of_the_list_are_found(nlp):
    assert "飞驰星光X9" not in {entry.pattern for entry in nlp.get_pipe("absa_gru").lexicon.entries}
    doc = nlp("全新大众飞驰星光X9正式上市，售价15万元起。")
    assert any("星光X9" in ent.text for ent in doc.ents)


def test_the_list_of_cars_is_that_of_the_pipeline(nlp):
    assert Lexicon.from_file(ASSETS / "zh_cars.jsonl") == nlp.get_pipe("absa_gru").lexicon
