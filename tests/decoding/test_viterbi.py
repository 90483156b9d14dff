"""Viterbi against an enumeration of all segmentations, and by hand."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from spacy_absa.decoding import viterbi as search
from spacy_absa.decoding.schemes import TagScheme
from spacy_absa.decoding.viterbi import viterbi
from spacy_absa.errors import InputError
from spacy_absa.lexicon import Match
from spacy_absa.types import CharSpan

SCHEMES = ["io", "bio", "biluo"]
MODES = ["off", "prefer", "force"]

pytestmark = pytest.mark.usefixtures("loops")


class Segment(NamedTuple):
    start: int
    end: int
    label: str | None  # None: one character outside all entities
    matched: bool


def segmentations(n_chars, labels, matches, mode, start=0):
    """All ways to cut a text into outside characters, free entities and lexicon matches."""
    if start == n_chars:
        yield ()
        return
    heads = [Segment(start, start + 1, None, False)]
    extents = {(m.start, m.end) for m in matches} if mode != "off" else set()
    for end in range(start + 1, n_chars + 1):
        for label in labels:
            if (start, end) in extents:
                heads.append(Segment(start, end, label, True))
            if mode != "force":
                heads.append(Segment(start, end, label, False))
    for head in heads:
        for tail in segmentations(n_chars, labels, matches, mode, head.end):
            yield (head, *tail)


def separable(segmentation, name):
    """Under io, neighbours of one label are only told apart if the lexicon gave both."""
    return name != "io" or not any(
        left.label is not None
        and left.label == right.label
        and not (left.matched and right.matched)
        for left, right in pairwise(segmentation)
    )


def score(segmentation, emissions, transitions, scheme, bonus):
    tags = []
    for start, end, label, _ in segmentation:
        n = end - start
        if label is None:
            prefixes = []
        elif scheme.name == "io":
            prefixes = ["I"] * n
        elif scheme.name == "bio":
            prefixes = ["B"] + ["I"] * (n - 1)
        else:
            prefixes = ["U"] if n == 1 else ["B"] + ["I"] * (n - 2) + ["L"]
        tags += [scheme.tags.index(f"{p}-{label}") for p in prefixes] or [0]
    edge = len(scheme.tags)
    total = sum(emissions[i, tag] for i, tag in enumerate(tags))
    total += sum(transitions[i, j] for i, j in zip([edge, *tags], [*tags, edge], strict=True))
    return total + bonus * sum(segment.matched for segment in segmentation)


def best_by_enumeration(emissions, transitions, scheme, matches, mode, bonus):
    """The entities of each best segmentation.

    Several say different things only on ties, as under io of matches that cover the same stretch.
    """
    bonus = bonus if mode == "prefer" else 0.0
    scored = [
        (score(s, emissions, transitions, scheme, bonus), s)
        for s in segmentations(len(emissions), scheme.labels, matches, mode)
        if separable(s, scheme.name)
    ]
    top = max(total for total, _ in scored)
    best = [s for total, s in scored if total > top - 1e-5]
    return [[CharSpan(*segment[:3]) for segment in s if segment.label] for s in best]


def random_matches(rng, n_chars):
    spans = [(s, e) for s in range(n_chars) for e in range(s + 1, n_chars + 1)]
    chosen = [span for span in spans if rng.random() < 0.5]
    return [Match(start, end, "id") for start, end in chosen]


@pytest.mark.parametrize("labels", [["POS"], ["POS", "NEG"]])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SCHEMES)
def test_equals_enumeration(name, mode, labels):
    rng = np.random.default_rng([SCHEMES.index(name), MODES.index(mode), len(labels)])
    scheme = TagScheme(name, labels)
    n_tags = len(scheme.tags)
    lengths = [0, 1, 2, 3, 4, 5, 4, 4, 2] if len(labels) == 2 else [6, 5, 0, 6, 3, 6]
    for bonus in (0.3, 1.5):
        emissions = [rng.normal(size=(n, n_tags)) for n in lengths]
        transitions = rng.normal(size=(n_tags + 1, n_tags + 1))
        matches = [random_matches(rng, n) for n in lengths]
        found = viterbi(emissions, transitions, scheme, matches, mode, bonus)
        for scores, those, entities in zip(emissions, matches, found, strict=True):
            expected = best_by_enumeration(scores, transitions, scheme, those, mode, bonus)
            assert entities in expected


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SCHEMES)
def test_ties_still_give_a_best_path(name, mode):
    """Small whole numbers: many equal scores."""
    rng = np.random.default_rng(5)
    scheme = TagScheme(name, ["POS", "NEG"])
    n_tags = len(scheme.tags)
    transitions = np.zeros((n_tags + 1, n_tags + 1))
    for n in [1, 2, 3, 4, 4]:
        emissions = rng.integers(0, 2, size=(n, n_tags)).astype(float)
        matches = random_matches(rng, n)
        [found] = viterbi([emissions], transitions, scheme, [matches], mode, 1.0)
        best = best_by_enumeration(emissions, transitions, scheme, matches, mode, 1.0)
        assert found in best
        assert [found] == viterbi([emissions], transitions, scheme, [matches[::-1]], mode, 1.0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SCHEMES)
def test_a_result_does_not_depend_on_batch_mates(name, mode):
    rng = np.random.default_rng(2)
    scheme = TagScheme(name, ["POS", "NEG", "NEU"])
    n_tags = len(scheme.tags)
    lengths = rng.integers(0, 40, size=20).tolist()
    emissions = [rng.normal(size=(n, n_tags)).astype("float32") for n in lengths]
    transitions = rng.normal(size=(n_tags + 1, n_tags + 1))
    matches = [
        [Match(s, s + k, "") for s in range(0, n - 4, 3) for k in (2, 3, 4)] for n in lengths
    ]
    together = viterbi(emissions, transitions, scheme, matches, mode, 0.5)
    assert any(together)
    for scores, those, entities in zip(emissions, matches, together, strict=True):
        assert viterbi([scores], transitions, scheme, [those], mode, 0.5) == [entities]
    backwards = viterbi(emissions[::-1], transitions, scheme, matches[::-1], mode, 0.5)
    assert backwards == together[::-1]


IO = TagScheme("io", ["POS", "NEG"])
NO_TRANSITIONS = np.zeros((4, 4))


def test_off_by_hand():
    emissions = np.array([[0, 2, 1], [0, 2, 1], [5, 2, 1], [0, 1, 2]])
    expected = [CharSpan(0, 2, "POS"), CharSpan(3, 4, "NEG")]
    assert viterbi([emissions], NO_TRANSITIONS, IO) == [expected]
    # Entering an entity inside the text costs 3: POS POS O O (9) beats POS POS O NEG (8).
    entering = np.zeros((4, 4))
    entering[[0, 0, 1], [1, 2, 2]] = -3
    assert viterbi([emissions], entering, IO) == [[CharSpan(0, 2, "POS")]]


def test_illegal_transitions_are_banned_whatever_their_score():
    scheme = TagScheme("bio", ["POS"])
    emissions = np.array([[0.0, -1.0, 9.0], [0.0, -1.0, 9.0]])
    transitions = np.zeros((4, 4))
    transitions[0, 2] = transitions[3, 2] = 100.0
    assert viterbi([emissions], transitions, scheme) == [[CharSpan(0, 2, "POS")]]


def test_force_takes_one_label_for_all_characters_of_a_match():
    # Character by character POS NEG NEG would win; the match must be one: POS 5, NEG 4, O 0.
    emissions = np.array([[0, 5, 0], [0, 0, 2], [0, 0, 2], [0, 9, 9]])
    matches = [[Match(0, 3, "a")]]
    assert viterbi([emissions], NO_TRANSITIONS, IO, matches, "force") == [[CharSpan(0, 3, "POS")]]


def test_force_without_matches_finds_nothing():
    emissions = np.array([[0.0, 5.0, 0.0]] * 3)
    assert viterbi([emissions], NO_TRANSITIONS, IO, [[]], "force") == [[]]
    assert viterbi([emissions], NO_TRANSITIONS, IO, None, "force") == [[]]


def test_prefer_pays_the_bonus_and_leaves_other_spans_possible():
    emissions = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 3]])
    matches = [[Match(0, 2, "a")]]
    free = CharSpan(2, 3, "NEG")
    assert viterbi([emissions], NO_TRANSITIONS, IO, matches, "prefer", 1.5) == [[free]]
    better = viterbi([emissions], NO_TRANSITIONS, IO, matches, "prefer", 2.5)
    assert better == [[CharSpan(0, 2, "POS"), free]]


def test_a_match_is_not_prolonged_by_free_tags():
    emissions = np.array([[0, 3, 0], [0, 3, 0], [0, 1, 0]])
    matches = [[Match(0, 2, "a")]]
    # The match earns 6 + 2, then O; free POS throughout would earn 7, and no bonus.
    assert viterbi([emissions], NO_TRANSITIONS, IO, matches, "prefer", 2.0) == [
        [CharSpan(0, 2, "POS")]
    ]
    assert viterbi([emissions], NO_TRANSITIONS, IO, matches, "prefer", 0.5) == [
        [CharSpan(0, 3, "POS")]
    ]


def test_adjacent_matches_of_one_label_stay_two_entities():
    emissions = np.array([[0, 3, 0]] * 4)
    matches = [[Match(2, 4, "b"), Match(0, 2, "a")]]
    two = [[CharSpan(0, 2, "POS"), CharSpan(2, 4, "POS")]]
    for name in SCHEMES:
        scheme = TagScheme(name, ["POS"])
        scores = np.repeat(np.array([[0.0, 3.0]]), 4, axis=0)
        scores = scores[:, [0] + [1] * (len(scheme.tags) - 1)]
        zeros = np.zeros((len(scheme.tags) + 1,) * 2)
        assert viterbi([scores], zeros, scheme, matches, "force") == two
    assert viterbi([emissions], NO_TRANSITIONS, IO, matches, "prefer", 0.0) == two


def test_equal_scores_go_to_the_longer_match():
    # In thirds, so that sums in another order would differ in the last bit.
    emissions = np.array([[0, 1 / 3, 0], [0, 0.1, 0], [0, 0.7, 0], [0, 1 / 7, 0]])
    nested = [Match(0, 2, "a"), Match(2, 4, "b"), Match(0, 4, "ab"), Match(1, 4, "c")]
    for matches in (nested, nested[::-1]):
        found = viterbi([emissions], NO_TRANSITIONS, IO, [matches], "force")
        assert found == [[CharSpan(0, 4, "POS")]]


def test_the_end_of_the_text_counts():
    emissions = np.array([[0.0, 1.0, -1.0]])
    transitions = np.zeros((4, 4))
    transitions[1, 3] = -2.0
    assert viterbi([emissions], transitions, IO) == [[]]
    matches = [[Match(0, 1, "a")]]
    assert viterbi([emissions], transitions, IO, matches, "force") == [[]]
    assert viterbi([emissions], NO_TRANSITIONS, IO, matches, "force") == [[CharSpan(0, 1, "POS")]]


def test_empty_batch_and_empty_texts():
    empty = np.zeros((0, 3))
    assert viterbi([], NO_TRANSITIONS, IO) == []
    for mode in MODES:
        assert viterbi([empty, empty], NO_TRANSITIONS, IO, [[], []], mode) == [[], []]
        mixed = viterbi([empty, np.array([[0, 1, 0]])], NO_TRANSITIONS, IO, [[], []], mode)
        assert mixed == [[], [] if mode == "force" else [CharSpan(0, 1, "POS")]]


def test_a_scheme_without_labels_has_no_entities():
    matches = [[Match(0, 2, "a"), Match(1, 2, "b")]]
    for mode in MODES:
        found = viterbi([np.zeros((2, 1))], np.zeros((2, 2)), TagScheme("io", []), matches, mode)
        assert found == [[]]


def test_bad_settings_are_refused():
    scores = [np.zeros((2, 3))]
    for bonus in (-0.1, float("nan")):
        with pytest.raises(InputError, match="bonus"):
            viterbi(scores, NO_TRANSITIONS, IO, [[]], "prefer", bonus)
    with pytest.raises(InputError, match="'always'"):
        viterbi(scores, NO_TRANSITIONS, IO, [[]], "always")


@pytest.mark.parametrize("mode", ["off", "force"])
def test_long_texts(mode):
    n = 10_000
    emissions = np.zeros((n, 3))
    emissions[:, 0] = 1.0
    emissions[5::10, 2] = emissions[6::10, 2] = 3.0
    matches = [[Match(s, s + 2, "") for s in range(5, n, 10)]]
    [found] = viterbi([emissions], NO_TRANSITIONS, IO, matches, mode)
    assert found == [CharSpan(s, s + 2, "NEG") for s in range(5, n, 10)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("odd", [1.0, 1e12, -1e12, -np.inf])
def test_compiled_loops_are_the_same_to_the_bit(mode, odd, monkeypatch):
    compiled = pytest.importorskip("spacy_absa.decoding.compiled", exc_type=ImportError)
    rng = np.random.default_rng(0)
    scheme = TagScheme("bio", ["POS", "NEG"])
    lengths = [9, 0, 30, 1]
    emissions = [rng.normal(size=(n, len(scheme.tags))).round(1) for n in lengths]
    emissions[2][7, 3] = odd
    transitions = rng.normal(size=scheme.legal.shape)
    matches = [[Match(2, 5, ""), Match(2, 4, "")], [], [Match(5, 9, ""), Match(9, 12, "")], []]
    space = search.search_space(emissions, transitions, scheme, matches, mode, 1.0)
    answers = []
    for loops in (compiled, None):
        monkeypatch.setattr(search, "compiled_loops", lambda loops=loops: loops)
        walk = search._Search(*space)
        answers.append((walk.best.tolist(), walk.reached.tolist(), walk.entities(scheme)))
    assert answers[0] == answers[1]
