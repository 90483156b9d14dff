import pytest

from spacy_absa.evaluation.slices import COMPARISON, NEGATION, score_slices
from spacy_absa.lexicon import Lexicon, LexiconEntry

LABELS = ["NEG", "NEU", "POS"]
LEXICON = Lexicon([LexiconEntry(name, "") for name in ("大众", "大众朗逸", "比亚迪", "别克", "秦")])


@pytest.fixture
def slices(reading):
    def score(*texts, known_names=None):
        parts = score_slices([reading(*text) for text in texts], LABELS, LEXICON, known_names)
        return {(part["kind"], part["name"]): part for part in parts}

    return score


def sizes(parts, kind):
    return {name: part["n_texts"] for (of, name), part in parts.items() if of == kind}


def test_texts_are_told_by_their_gold_entities(slices):
    parts = slices(
        ("今天",),
        ("本田好", [(0, 2, "POS")], [(0, 2, "POS")]),
        ("本田好，本田", [(0, 2, "POS"), (4, 6, "POS")], [(0, 2, "NEG")]),
        ("本田好，丰田差", [(0, 2, "POS"), (4, 6, "NEG")], [(0, 2, "POS")]),
    )
    assert sizes(parts, "Entities") == {"none": 1, "one": 2, "several": 1}
    assert sizes(parts, "Sentiments") == {"one": 2, "mixed": 1}
    assert sizes(parts, "Repeated mentions") == {"yes": 1, "no": 3}
    mixed = parts["Sentiments", "mixed"]
    assert (mixed["n_entities"], mixed["absa_p"], mixed["absa_r"]) == (2, 1, 0.5)
    assert parts["Repeated mentions", "yes"]["absa_polarity_acc"] == 0


def test_a_name_is_one_however_it_is_written(slices):
    parts = slices(("Q7好，ｑ７好", [(0, 2, "POS"), (4, 6, "POS")]))
    assert sizes(parts, "Entities") == {"none": 0, "one": 1, "several": 0}
    assert sizes(parts, "Repeated mentions") == {"yes": 1, "no": 0}


def test_names_are_nested_by_the_lexicon(slices):
    parts = slices(("大众朗逸",), ("大众",), ("大众和大众",), ("秦",))
    assert sizes(parts, "Nested names") == {"yes": 1, "no": 3}


def test_words_in_names_do_not_count(slices):
    parts = slices(("比亚迪好",), ("别克好",), ("甲比乙好",), ("别买甲",), ("不是比亚迪",))
    assert sizes(parts, "Comparison") == {"yes": 1, "no": 4}
    assert sizes(parts, "Negation") == {"yes": 2, "no": 3}


def test_a_name_hides_no_word_behind_it(slices):
    parts = slices(("比亚迪不好，别克好",), ("别克好，比亚迪不好",))
    assert sizes(parts, "Negation") == {"yes": 2, "no": 0}


def test_names_that_are_missed_count_among_those_of_the_training_data(slices):
    texts = ("本田好", [(0, 2, "POS")], [(0, 2, "POS")]), ("本田差", [(0, 2, "NEG")])
    seen = slices(*texts, known_names={"本田"})["In training data", "seen"]
    assert (seen["n_texts"], seen["absa_r"]) == (2, 0.5)


@pytest.mark.parametrize("text", ["A比B好", "不如他", "比不上", "better than it", "A vs B"])
def test_comparisons(text):
    assert COMPARISON.search(text)


@pytest.mark.parametrize(
    "text", ["性价比高", "比如说", "同比增长", "比较好", "thank you", "百分比"]
)
def test_no_comparisons(text):
    assert not COMPARISON.search(text)


@pytest.mark.parametrize("text", ["不好", "没油了", "无法启动", "别买", "isn't good", "Not bad"])
def test_negations(text):
    assert NEGATION.search(text)


@pytest.mark.parametrize("text", ["不错", "不仅好", "无论", "未来", "别人的车", "notable", "knot"])
def test_no_negations(text):
    assert not NEGATION.search(text)


def test_lengths_hold_each_text_once(slices):
    parts = slices(*(("车" * n,) for n in (1, 25, 26, 50, 51, 100, 101, 1000)))
    by_length = {"1 to 25": 2, "26 to 50": 2, "51 to 100": 2, "above 100": 2}
    assert sizes(parts, "Characters") == by_length


def test_names_of_the_training_data(slices):
    text = ("Q7好，丰田差", [(0, 2, "POS"), (4, 6, "NEG")], [(0, 2, "POS"), (4, 6, "POS")])
    assert not sizes(slices(text), "In training data")
    parts = slices(text, ("今天",), known_names={"ｑ７"})
    assert sizes(parts, "In training data") == {"seen": 1, "not seen": 1}
    assert parts["In training data", "seen"]["absa_f"] == 1
    assert parts["In training data", "not seen"]["absa_f"] == 0
