import pytest

from spacy_absa.selection import UNKNOWN_NAME, Candidate, expected_corrections, pick
from spacy_absa.types import CharSpan

POS, NEG, MORE = CharSpan(0, 2, "POS"), CharSpan(0, 2, "NEG"), CharSpan(4, 6, "POS")


def candidate(text, corrections, *unknown):
    return Candidate(text, [], corrections, frozenset(unknown))


def test_corrections_are_what_the_draws_have_and_the_reading_has_not_and_the_reverse():
    # one as it is, one relabelled (2), one missed (1), one without entities (1)
    draws = [[POS], [NEG], [POS, MORE], []]
    assert expected_corrections([POS], draws) == pytest.approx(4 / 4)
    assert expected_corrections([], [[], []]) == 0


def test_the_most_valuable_come_first():
    texts = [candidate("甲乙丙丁", 0.1), candidate("戊己庚辛", 0.9), candidate("子丑寅卯", 0.5)]
    assert [c.corrections for c in pick(texts, 2)] == [0.9, 0.5]


def test_copies_are_not_picked_and_similar_texts_lose_value():
    texts = [
        candidate("本田的油耗真低", 1.0),
        candidate("本田的油耗真低", 0.9),
        candidate("本田的油耗真高", 0.8),
        candidate("后备箱有些小", 0.4),
    ]
    # 6 of 7 pairs in common, so that of 0.8 about 0.11 remain
    assert [c.corrections for c in pick(texts, 4)] == [1.0, 0.4, 0.8]


def test_case_and_width_make_no_difference():
    assert len(pick([candidate("Ｑ７好ABC", 1.0), candidate("q7好abc", 0.9)], 2)) == 1


def test_an_unknown_name_counts_once():
    known = UNKNOWN_NAME / 2
    texts = [
        candidate("甲乙丙丁", 0.3, "奔腾"),
        candidate("戊己庚辛", 0.2, "奔腾"),
        candidate("子丑寅卯", 0.2 + known),
    ]
    assert [c.text for c in pick(texts, 3)] == ["甲乙丙丁", "子丑寅卯", "戊己庚辛"]


def test_there_may_be_less_than_asked_for():
    assert pick([candidate("甲", 0.0), candidate("乙", 0.1)], 5) == [candidate("乙", 0.1)]
    assert pick([], 5) == []
