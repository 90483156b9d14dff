import numpy
import pytest

from spacy_absa.evaluation.confidence import (
    calibration_figures,
    fit_calibration,
    reliability,
)
from spacy_absa.evaluation.readings import ScoredEntity, scored_entities


def test_reliability_by_hand():
    figures = reliability([0.05, 0.95, 0.91, 1.0], [True, True, False, True])
    assert figures["n"] == 4
    (low, high) = figures["bins"]
    assert (low["from"], low["to"], low["n"], low["right"]) == (0, 0.1, 1, 1)
    assert (high["n"], high["right"]) == (3, pytest.approx(2 / 3))
    assert high["probability"] == pytest.approx(2.86 / 3)
    # (1 * .95 + 3 * (2.86 / 3 - 2 / 3)) / 4
    assert figures["ece"] == pytest.approx((0.95 + 0.86) / 4)
    assert reliability([], []) == {"n": 0, "ece": None, "ece_of_perfect": None, "bins": []}


def test_perfect_probabilities_have_the_error_of_chance():
    rng = numpy.random.default_rng(0)
    scores = rng.random(2000)
    drawn = [reliability(scores, rng.random(2000) < scores) for _ in range(100)]
    mean = numpy.mean([figures["ece"] for figures in drawn])
    assert mean == pytest.approx(drawn[0]["ece_of_perfect"], rel=0.1)


def test_what_counts_as_right():
    entities = [
        ScoredEntity("POS", 0.8, {"NEG": 0.1, "POS": 0.9}, "POS"),
        ScoredEntity("POS", 0.6, {"NEG": 0.3, "POS": 0.7}, "NEG"),
        ScoredEntity("POS", 0.5, {"NEG": 0.5, "POS": 0.5}, None),
    ]
    figures = calibration_figures(entities)
    assert figures["absa_score"]["ece"] == pytest.approx((0.2 + 0.6 + 0.5) / 3)
    assert figures["sentiment_scores"]["ece"] == pytest.approx((0.1 + 0.7) / 2)


def test_entities_of_other_components_have_no_probability(reading):
    assert scored_entities([reading("甲好", [(0, 1, "POS")], [(0, 1, "POS")])]) == []


def overconfident(n, seed):
    """Entities whose log-odds, of place and of label, are three times what they should be."""
    rng = numpy.random.default_rng(seed)
    entities = []
    for odds in rng.normal(0.5, 1, n):
        score, true_score = 1 / (1 + numpy.exp(-3 * odds)), 1 / (1 + numpy.exp(-odds))
        shares = {"NEG": 1 - score, "POS": score}
        # Right just as often as a label of that share, and never a gold entity otherwise
        gold = "POS" if rng.random() < true_score else "NEG"
        entities.append(ScoredEntity("POS", score, shares, gold))
    return entities


def test_fitting_finds_what_was_done_to_the_probabilities():
    calibration = fit_calibration(overconfident(5_000, 0))
    assert calibration.slope == pytest.approx(1 / 3, rel=0.1)
    assert calibration.offset == pytest.approx(0, abs=0.1)
    assert calibration.temperature == pytest.approx(3, rel=0.1)
    fresh = overconfident(5_000, 1)
    scores = numpy.array([entity.score for entity in fresh])
    right = [entity.label == entity.gold for entity in fresh]
    assert reliability(scores, right)["ece"] > 0.1
    assert reliability(calibration.scores(scores), right)["ece"] < 0.03


def test_the_prior_by_hand():
    # Of log-odds of 0 the offset alone matters: the best is where it equals 1 / (1 + exp(offset)).
    calibration = fit_calibration([ScoredEntity("POS", 0.5, {"NEG": 0.5, "POS": 0.5}, "POS")])
    assert tuple(calibration) == pytest.approx((1, 0.401058, 1), abs=1e-5)


@pytest.mark.parametrize("gold", ["POS", "NEG", "OTHER", None])
def test_few_entities_all_right_or_all_wrong_give_finite_numbers(gold):
    entities = [
        ScoredEntity("POS", score, {"NEG": 0.0, "POS": 1.0}, gold) for score in (0.0, 0.7, 1.0)
    ]
    slope, offset, temperature = fit_calibration(entities)
    assert 0.01 < slope < 100
    assert 0.01 < temperature < 100
    assert abs(offset) < 5
    assert (offset > 0) == (gold == "POS")
