"""Forward-backward and the losses against enumeration and finite differences."""

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest

from spacy_absa.decoding.marginals import crf_loss, forward_backward, softmax_loss
from spacy_absa.decoding.schemes import TagScheme
from spacy_absa.types import CharSpan

SCHEMES = ["io", "bio", "biluo"]

pytestmark = pytest.mark.usefixtures("loops")


def all_paths(emissions, transitions, legal):
    """Every legal tag sequence with its score."""
    edge = emissions.shape[1]
    for tags in product(range(edge), repeat=len(emissions)):
        steps = list(zip((edge, *tags), (*tags, edge), strict=True))
        if all(legal[step] for step in steps):
            total = sum(emissions[i, tag] for i, tag in enumerate(tags))
            yield tags, total + sum(transitions[step] for step in steps)


def enumerate_paths(emissions, transitions, legal):
    """log Z; the tag sequences with their probabilities."""
    paths = list(all_paths(emissions, transitions, legal))
    weights = np.exp([score for _, score in paths])
    return np.log(weights.sum()), [
        (tags, weight) for (tags, _), weight in zip(paths, weights / weights.sum(), strict=True)
    ]


def problem(name, lengths, seed=0, labels=("POS", "NEG")):
    scheme = TagScheme(name, labels)
    n_tags = len(scheme.tags)
    rng = np.random.default_rng(seed)
    emissions = [rng.normal(size=(n, n_tags)) for n in lengths]
    return scheme, emissions, rng.normal(size=(n_tags + 1, n_tags + 1))


def test_one_character_by_hand():
    # exp: O 1 · 1 · 1, I 3 · 2 · 1; so Z = 7 and P(I) = 6/7.
    transitions = np.zeros((3, 3))
    transitions[2, 1] = np.log(2)
    lattice = forward_backward([np.log([[1.0, 3.0]])], transitions)
    assert lattice.log_z == pytest.approx([np.log(7)])
    assert lattice.marginals[0] == pytest.approx(np.array([[1 / 7, 6 / 7]]))
    expected = np.array([[0, 0, 1], [0, 0, 6], [1, 6, 0]]) / 7
    assert lattice.expected_transitions == pytest.approx(expected)


@pytest.mark.parametrize("name", SCHEMES)
def test_equals_enumeration(name):
    scheme, emissions, transitions = problem(name, [2, 0, 3, 1, 3])
    lattice = forward_backward(emissions, transitions, scheme.legal)
    edge = len(scheme.tags)
    expected_transitions = np.zeros((edge + 1, edge + 1))
    for text, scores in enumerate(emissions):
        log_z, paths = enumerate_paths(scores, transitions, scheme.legal)
        assert lattice.log_z[text] == pytest.approx(log_z)
        marginals = np.zeros(scores.shape)
        for tags, p in paths:
            marginals[np.arange(len(tags)), list(tags)] += p
            np.add.at(expected_transitions, ([edge, *tags], [*tags, edge]), p)
        np.testing.assert_allclose(lattice.marginals[text], marginals, atol=1e-12)
    np.testing.assert_allclose(lattice.expected_transitions, expected_transitions, atol=1e-12)


@pytest.mark.parametrize("name", SCHEMES)
def test_span_marginals_equal_enumeration(name):
    scheme, emissions, transitions = problem(name, [1, 4, 3])
    lattice = forward_backward(emissions, transitions, scheme.legal)
    for text, scores in enumerate(emissions):
        _, paths = enumerate_paths(scores, transitions, scheme.legal)
        entities = [(scheme.decode(tags), p) for tags, p in paths]
        pairs = list(combinations(range(len(scores) + 1), 2))
        found = lattice.span_marginals([(text, *pair) for pair in pairs], scheme)
        for (start, end), probabilities in zip(pairs, found, strict=True):
            expected = [
                sum(p for spans, p in entities if CharSpan(start, end, label) in spans)
                for label in scheme.labels
            ]
            np.testing.assert_allclose(probabilities, expected, atol=1e-12)


def test_span_marginal_is_bounded_on_both_sides():
    scheme = TagScheme("io", ["POS"])
    lattice = forward_backward([np.zeros((3, 2))], np.zeros((3, 3)))
    assert lattice.span_marginals([(0, 1, 2)], scheme)[0] == pytest.approx([1 / 8])  # O I O alone
    assert lattice.span_marginals([(0, 0, 2)], scheme)[0] == pytest.approx([1 / 8])  # I I O alone
    bio = TagScheme("bio", ["POS"])
    lattice = forward_backward([np.zeros((2, 3))], np.zeros((4, 4)), bio.legal)
    # O O, O B, B O, B B, B I are the legal paths: B first and not I after it in two of five.
    assert lattice.span_marginals([(0, 0, 1)], bio)[0] == pytest.approx([2 / 5])


def test_a_scheme_without_labels_has_no_entities():
    scheme = TagScheme("bio", [])
    lattice = forward_backward([np.zeros((2, 1))], np.zeros((2, 2)), scheme.legal)
    assert lattice.span_marginals([(0, 0, 1)], scheme)[0].tolist() == []


def test_disallowed_tags_get_no_probability_and_no_nan():
    scheme, emissions, transitions = problem("biluo", [4], labels=["POS"])
    emissions[0][1, [0, 2, 3, 4]] = -np.inf  # character 1 must begin an entity of two or more
    lattice = forward_backward(emissions, transitions, scheme.legal)
    _, paths = enumerate_paths(emissions[0], transitions, scheme.legal)
    marginals = np.zeros((4, 5))
    for tags, p in paths:
        marginals[np.arange(4), list(tags)] += p
    np.testing.assert_allclose(lattice.marginals[0], marginals, atol=1e-12)
    assert marginals[1, 1] == pytest.approx(1)
    spans = [lattice.span_marginals([(0, 1, end)], scheme)[0][0] for end in (2, 3, 4)]
    assert spans[0] == 0
    assert sum(spans) == pytest.approx(1)
    assert np.isfinite(lattice.expected_transitions).all()


def test_results_do_not_depend_on_batch_mates():
    scheme, emissions, transitions = problem("bio", [7, 0, 30, 12, 30])
    together = forward_backward(emissions, transitions, scheme.legal)
    for text, scores in enumerate(emissions):
        alone = forward_backward([scores], transitions, scheme.legal)
        assert together.log_z[text] == pytest.approx(alone.log_z[0], rel=1e-12)
        np.testing.assert_allclose(together.marginals[text], alone.marginals[0], atol=1e-12)


def test_large_scores_and_long_texts_neither_overflow_nor_vanish():
    scheme, emissions, transitions = problem("biluo", [3000])
    lattice = forward_backward([emissions[0] * 30 + 1000], transitions * 30 + 500, scheme.legal)
    assert lattice.log_z[0] > 3000 * 1500
    np.testing.assert_allclose(lattice.marginals[0].sum(axis=1), 1, atol=1e-9)
    assert lattice.expected_transitions.sum() == pytest.approx(3001)


def test_no_texts():
    lattice = forward_backward([], np.zeros((3, 3)))
    assert lattice.log_z.shape == (0,)
    assert lattice.marginals == []
    assert not lattice.expected_transitions.any()


def partly_unknown(scheme, lengths, rng):
    """Gold of random legal tags, with the middle of each text unknown."""
    allowed = []
    for n in lengths:
        spans = [CharSpan(0, min(2, n), "POS")] if n else []
        tags = scheme.encode(n, spans + ([CharSpan(3, n, "NEG")] if n > 3 else []))
        mask = np.eye(len(scheme.tags), dtype=bool)[tags]
        mask[n // 2 : n // 2 + 2] |= rng.random(mask[n // 2 : n // 2 + 2].shape) < 0.7
        allowed.append(mask)
    return allowed


@pytest.mark.parametrize("name", SCHEMES)
def test_crf_loss_is_the_probability_of_what_is_allowed(name):
    scheme, emissions, transitions = problem(name, [3, 0, 4, 1])
    allowed = partly_unknown(scheme, [3, 0, 4, 1], np.random.default_rng(3))
    loss, _, _ = crf_loss(emissions, transitions, allowed, scheme.legal)
    expected = 0.0
    for scores, mask in zip(emissions, allowed, strict=True):
        _, paths = enumerate_paths(scores, transitions, scheme.legal)
        expected -= np.log(
            sum(p for tags, p in paths if all(mask[i, tag] for i, tag in enumerate(tags)))
        )
    assert loss == pytest.approx(expected)
    assert loss > 0


@pytest.mark.parametrize("name", SCHEMES)
def test_crf_gradient_equals_finite_differences(name):
    scheme, emissions, transitions = problem(name, [3, 0, 5])
    allowed = partly_unknown(scheme, [3, 0, 5], np.random.default_rng(4))
    _, d_emissions, d_transitions = crf_loss(emissions, transitions, allowed, scheme.legal)
    gradients = [*d_emissions, d_transitions]
    for array, gradient in zip([*emissions, transitions], gradients, strict=True):
        assert gradient.shape == array.shape
        numeric = np.zeros(array.shape)
        for cell in np.ndindex(array.shape):
            values = []
            for shift in (1e-5, -2e-5):
                array[cell] += shift
                values.append(crf_loss(emissions, transitions, allowed, scheme.legal)[0])
            array[cell] += 1e-5
            numeric[cell] = (values[0] - values[1]) / 2e-5
        np.testing.assert_allclose(gradient, numeric, atol=1e-7)
    assert np.abs(d_transitions).max() > 0.01


@pytest.mark.parametrize("name", SCHEMES)
def test_crf_loss_given_where_the_entities_are(name):
    scheme, emissions, transitions = problem(name, [4, 3])
    spans = [[CharSpan(0, 2, "NEG"), CharSpan(2, 3, "POS")], []]
    allowed = [
        np.eye(len(scheme.tags), dtype=bool)[scheme.encode(len(scores), entities)]
        for scores, entities in zip(emissions, spans, strict=True)
    ]
    places = [scheme.with_any_label(mask) for mask in allowed]
    loss, d_emissions, d_transitions = crf_loss(
        emissions, transitions, allowed, scheme.legal, places
    )
    _, paths = enumerate_paths(emissions[0], transitions, scheme.legal)
    alike = [(tags, p) for tags, p in paths if all(places[0][i, tag] for i, tag in enumerate(tags))]
    gold = sum(p for tags, p in alike if scheme.decode(tags) == spans[0])
    assert loss == pytest.approx(np.log(sum(p for _, p in alike) / gold))
    assert len(alike) == (8 if name == "io" else 4)  # io: each character as it likes
    whole = crf_loss(emissions, transitions, allowed, scheme.legal)
    found = crf_loss(emissions, transitions, places, scheme.legal)
    for part, rest, both in zip(
        [loss, *d_emissions, d_transitions],
        [found[0], *found[1], found[2]],
        [whole[0], *whole[1], whole[2]],
        strict=True,
    ):
        np.testing.assert_allclose(part + rest, both, atol=1e-9)
    assert not d_emissions[1].any()  # there is no label to know


def test_softmax_loss_given_where_the_entities_are():
    scheme, emissions, _ = problem("bio", [4], labels=["POS", "NEG", "NEU"])
    allowed = [np.eye(7, dtype=bool)[scheme.encode(4, [CharSpan(1, 3, "NEG")])]]
    places = [scheme.with_any_label(mask) for mask in allowed]
    loss, (gradient,), _ = softmax_loss(emissions, allowed, places)
    begins, goes_on = np.exp(emissions[0][1, [1, 3, 5]]), np.exp(emissions[0][2, [2, 4, 6]])
    shares = begins[1] / begins.sum(), goes_on[1] / goes_on.sum()
    assert loss == pytest.approx(-np.log(shares).sum())
    assert gradient[1, 3] == pytest.approx(shares[0] - 1)
    assert not gradient[[0, 3]].any()


def test_wholly_unknown_gold_teaches_nothing():
    scheme, emissions, transitions = problem("bio", [4, 2])
    allowed = [np.ones(scores.shape, dtype=bool) for scores in emissions]
    loss, d_emissions, d_transitions = crf_loss(emissions, transitions, allowed, scheme.legal)
    assert loss == pytest.approx(0)
    assert all(np.allclose(gradient, 0) for gradient in [*d_emissions, d_transitions])
    assert softmax_loss(emissions, allowed)[0] == pytest.approx(0)


def test_softmax_loss_by_hand():
    emissions = [np.log([[1.0, 3.0], [1.0, 1.0]]), np.zeros((0, 2))]
    allowed = [np.array([[False, True], [True, True]]), np.zeros((0, 2), dtype=bool)]
    loss, d_emissions, d_transitions = softmax_loss(emissions, allowed)
    assert loss == pytest.approx(np.log(4 / 3))
    assert d_emissions[0] == pytest.approx(np.array([[0.25, -0.25], [0, 0]]))
    assert d_emissions[1].shape == (0, 2)
    assert d_transitions.tolist() == np.zeros((3, 3)).tolist()


def test_softmax_loss_equals_crf_loss_without_transitions():
    scheme, emissions, _ = problem("bio", [6, 0, 3])
    allowed = partly_unknown(scheme, [6, 0, 3], np.random.default_rng(5))
    size = len(scheme.tags) + 1
    loss, d_emissions, _ = softmax_loss(emissions, allowed)
    crf, d_crf, _ = crf_loss(emissions, np.zeros((size, size)), allowed)
    assert loss == pytest.approx(crf)
    for gradient, other in zip(d_emissions, d_crf, strict=True):
        np.testing.assert_allclose(gradient, other, atol=1e-12)


def test_impossible_gold_is_named():
    scheme, emissions, transitions = problem("bio", [2, 2], labels=["POS"])
    allowed = [np.ones((2, 3), dtype=bool), np.eye(3, dtype=bool)[[0, 2]]]  # O, then I
    with pytest.raises(ValueError, match="Text 1 has no possible path"):
        crf_loss(emissions, transitions, allowed, scheme.legal)
    allowed[1][1] = False
    with pytest.raises(ValueError, match="Text 1 has no possible path"):
        crf_loss(emissions, transitions, allowed, scheme.legal)
    with pytest.raises(ValueError, match="Text 1 has a character without an allowed tag"):
        softmax_loss(emissions, allowed)


@pytest.mark.parametrize("name", SCHEMES)
def test_samples_are_distributed_as_the_paths(name):
    scheme, emissions, transitions = problem(name, [2, 0, 3])
    n = 20_000
    lattice = forward_backward(
        [scores for scores in emissions for _ in range(n)], transitions, scheme.legal
    )
    samples = lattice.sample(np.random.default_rng(0))
    for text, scores in enumerate(emissions):
        _, paths = enumerate_paths(scores, transitions, scheme.legal)
        drawn = Counter(tuple(tags.tolist()) for tags in samples[text * n : (text + 1) * n])
        assert set(drawn) <= {tags for tags, _ in paths}
        for tags, p in paths:
            deviation = np.sqrt(p * (1 - p) / n)
            assert abs(drawn[tags] / n - p) <= 5 * deviation + 1e-12
