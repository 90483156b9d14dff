import pytest

from spacy_absa.evaluation.bootstrap import compare

LABELS = ["NEG", "NEU", "POS"]
RIGHT = ("甲好", [(0, 1, "POS")], [(0, 1, "POS")])
WRONG = ("甲好", [(0, 1, "POS")], [(0, 1, "NEG")])


def test_scores_are_those_of_the_texts(reading):
    first = [reading(*RIGHT), reading(*WRONG), reading(*WRONG), reading("乙", [], [(0, 1, "NEU")])]
    second = [reading(*RIGHT)] * 3 + [reading("乙")]
    result = compare(first, second, LABELS, resamples=200, seed=0)
    # One right of four found and three gold ones.
    assert result["absa_f"]["first"] == pytest.approx(2 / 7)
    assert result["absa_f"]["second"] == 1
    assert result["absa_f"]["difference"] == pytest.approx(5 / 7)
    # POS: one right of one found and three gold ones; the others have none right.
    assert result["absa_macro_f"]["first"] == pytest.approx(1 / 2 / 3)
    assert result["absa_macro_f"]["second"] == pytest.approx(1 / 3)


def test_a_pipeline_does_not_differ_from_itself(reading):
    same = [reading(*RIGHT), reading(*WRONG)]
    assert compare(same, same, LABELS, resamples=100, seed=0)["absa_f"] == {
        **{"first": 0.5, "second": 0.5, "difference": 0, "low": 0, "high": 0},
        "p_value": 1,
    }


def test_a_clear_difference_is_told_from_chance(reading):
    worse = [reading(*RIGHT)] * 20 + [reading(*WRONG)] * 20
    better = [reading(*RIGHT)] * 40
    clear = compare(worse, better, LABELS, resamples=999, seed=0)["absa_f"]
    assert 0 < clear["low"] < clear["difference"] < clear["high"] < 1
    assert clear["p_value"] == pytest.approx(2 / 1000)
    # The share of right texts among 40 has a standard deviation of sqrt(.25 / 40), about .08.
    assert clear["high"] - clear["low"] == pytest.approx(4 * 0.079, rel=0.1)
    turned = compare(better, worse, LABELS, resamples=999, seed=0)["absa_f"]
    assert (turned["low"], turned["high"]) == (-clear["high"], -clear["low"])


def test_one_text_more_is_chance_and_the_seed_decides(reading):
    first = [reading(*RIGHT)] * 10 + [reading(*WRONG)] * 10
    second = [reading(*RIGHT)] * 11 + [reading(*WRONG)] * 8 + [reading(*RIGHT)]
    once, again, other = (
        compare(first, second, LABELS, resamples=300, seed=seed)["absa_f"] for seed in (0, 0, 1)
    )
    assert once == again != other
    assert once["low"] <= 0 < once["p_value"]
    assert once["p_value"] > 0.05
