"""The k best readings against an enumeration of all segmentations."""

import numpy as np
import pytest
from test_viterbi import MODES, SCHEMES, random_matches, score, segmentations, separable

from spacy_absa.decoding.kbest import k_best
from spacy_absa.decoding.marginals import forward_backward
from spacy_absa.decoding.schemes import TagScheme
from spacy_absa.decoding.viterbi import viterbi
from spacy_absa.lexicon import Match


def enumerated(emissions, transitions, scheme, matches, mode, bonus):
    """The best score of each reading, in falling order."""
    best = {}
    for s in segmentations(len(emissions), scheme.labels, matches, mode):
        if separable(s, scheme.name):
            reading = tuple(segment[:3] for segment in s if segment.label)
            total = score(s, emissions, transitions, scheme, bonus if mode == "prefer" else 0.0)
            best[reading] = max(best.get(reading, -np.inf), total)
    return dict(sorted(best.items(), key=lambda item: -item[1]))


def draw(rng, n_chars, scheme):
    """Emissions and transitions."""
    n_tags = len(scheme.tags)
    return rng.normal(size=(n_chars, n_tags)), rng.normal(size=(n_tags + 1, n_tags + 1))


@pytest.mark.parametrize("n_labels", [1, 2])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SCHEMES)
def test_equals_enumeration(name, mode, n_labels):
    rng = np.random.default_rng(7)
    scheme = TagScheme(name, ["POS", "NEG"][:n_labels])
    for n_chars, k in [(0, 3), (1, 1), (2, 4), (3, 30), (4, 2), (4, 9)]:
        emissions, transitions = draw(rng, n_chars, scheme)
        matches = random_matches(rng, n_chars)
        found = k_best(emissions, transitions, scheme, k, matches, mode, 0.7)
        expected = enumerated(emissions, transitions, scheme, matches, mode, 0.7)
        assert [total for total, _ in found] == pytest.approx(list(expected.values())[:k], abs=1e-5)
        assert len({tuple(entities) for _, entities in found}) == len(found)
        for total, entities in found:  # under io several readings may have one score
            assert total == pytest.approx(expected[tuple(entities)], abs=1e-5)


@pytest.mark.parametrize("name", SCHEMES)
def test_all_readings_together_have_the_score_of_the_partition_function(name):
    rng = np.random.default_rng(3)
    scheme = TagScheme(name, ["POS", "NEG"])
    emissions, transitions = draw(rng, 4, scheme)
    found = k_best(emissions, transitions, scheme, 10_000)
    log_z = forward_backward([emissions], transitions, scheme.legal).log_z[0]
    assert np.logaddexp.reduce([total for total, _ in found]) == pytest.approx(log_z, abs=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_many_matches_do_not_crowd_out_other_readings(mode):
    """Read free or as matches, 12 names that nobody doubts are one reading."""
    scheme = TagScheme("bio", ["POS", "NEG"])
    rng = np.random.default_rng(4)
    emissions = rng.normal(size=(24, 5))
    emissions[::2, [1, 3]] += 9
    emissions[1::2, 0] += 9
    matches = [Match(start, start + 1, "") for start in range(0, 24, 2)]
    transitions = np.zeros((6, 6))
    found = k_best(emissions, transitions, scheme, 8, matches, mode, 0.5)
    assert len({tuple(entities) for _, entities in found}) == 8
    assert [found[0].entities] == viterbi([emissions], transitions, scheme, [matches], mode, 0.5)
