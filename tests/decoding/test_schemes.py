"""Tag schemes: tags, structure, encoding and decoding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_absa.decoding.schemes import TagScheme
from spacy_absa.errors import InputError
from spacy_absa.types import CharSpan

LABELS = ["POS", "NEG"]


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("io", "O I-POS I-NEG"),
        ("bio", "O B-POS I-POS B-NEG I-NEG"),
        ("biluo", "O B-POS I-POS L-POS U-POS B-NEG I-NEG L-NEG U-NEG"),
    ],
)
def test_a_new_label_only_appends_tags(name, tags):
    assert TagScheme(name, LABELS).tags == tuple(tags.split())
    more = TagScheme(name, [*LABELS, "NEU"]).tags
    assert more[: len(tags.split())] == tuple(tags.split())


@pytest.mark.parametrize(
    ("name", "lengths"),
    [
        ("io", {1: "I", 2: "I I", 4: "I I I I"}),
        ("bio", {1: "B", 2: "B I", 4: "B I I I"}),
        ("biluo", {1: "U", 2: "B L", 4: "B I I L"}),
    ],
)
def test_span_tags(name, lengths):
    scheme = TagScheme(name, LABELS)
    for length, prefixes in lengths.items():
        tags = [scheme.tags[tag] for tag in scheme.span_tags("NEG", length)]
        assert tags == [f"{prefix}-NEG" for prefix in prefixes.split()]


def test_encode_places_the_tags_of_each_span():
    spans = [CharSpan(1, 2, "POS"), CharSpan(2, 5, "NEG")]
    assert TagScheme("io", LABELS).encode(6, spans).tolist() == [0, 1, 2, 2, 2, 0]
    assert TagScheme("bio", LABELS).encode(6, spans).tolist() == [0, 1, 3, 4, 4, 0]
    assert TagScheme("biluo", LABELS).encode(6, spans).tolist() == [0, 4, 5, 6, 7, 0]
    assert TagScheme("io", LABELS).encode(0, []).tolist() == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("io", [["I-NEG", "I-POS"], ["I-NEG", "I-POS"], ["O"]]),
        ("bio", [["B-NEG", "B-POS"], ["I-NEG", "I-POS"], ["O"]]),
        ("biluo", [["B-NEG", "B-POS"], ["L-NEG", "L-POS"], ["O"]]),
    ],
)
def test_any_label_leaves_the_place_of_a_tag_in_its_entity(name, expected):
    scheme = TagScheme(name, LABELS)
    allowed = np.eye(len(scheme.tags), dtype=bool)[scheme.encode(3, [CharSpan(0, 2, "NEG")])]
    widened = scheme.with_any_label(allowed)
    assert [sorted(np.array(scheme.tags)[row]) for row in widened] == expected
    assert scheme.with_any_label(~np.zeros_like(allowed)).all()
    assert scheme.with_any_label(allowed[:0]).shape == (0, len(scheme.tags))


def test_legal_states_which_tags_follow_start_and_end():
    legal = {
        "io": ["111", "111", "111"],
        "bio": ["1101", "1111", "1111", "1101"],
        # O, B, I, L, U, boundary
        "biluo": ["110011", "001100", "001100", "110011", "110011", "110011"],
    }
    for name, rows in legal.items():
        expected = np.array([[flag == "1" for flag in row] for row in rows])
        np.testing.assert_array_equal(TagScheme(name, ["POS"]).legal, expected)


def test_no_tag_goes_on_with_another_label():
    scheme = TagScheme("biluo", LABELS)
    of = scheme.tags.index
    assert scheme.legal[of("B-POS"), of("L-POS")]
    assert not scheme.legal[of("B-POS"), of("L-NEG")]
    assert not scheme.legal[of("B-POS"), of("B-NEG")]


def test_boundary_states_which_tags_close_an_entity():
    boundary = {"io": ["111", "101", "110"], "bio": ["11010"] * 5, "biluo": ["110011001"] * 9}
    for name, rows in boundary.items():
        expected = np.array([[flag == "1" for flag in row] for row in rows])
        np.testing.assert_array_equal(TagScheme(name, LABELS).boundary, expected)


def test_io_merges_neighbours_of_one_label_only():
    scheme = TagScheme("io", LABELS)
    same = scheme.encode(4, [CharSpan(0, 2, "POS"), CharSpan(2, 3, "POS")])
    assert scheme.decode(same) == [CharSpan(0, 3, "POS")]
    other = [CharSpan(0, 2, "POS"), CharSpan(2, 3, "NEG")]
    assert scheme.decode(scheme.encode(4, other)) == other


@st.composite
def texts(draw):
    """A length, and spans in it of which no two of one label touch."""
    spans: list[CharSpan] = []
    position = 0
    for gap, length, label in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(LABELS)))
    ):
        touches = gap == 0 and spans and spans[-1].label == label
        start = position + (1 if touches else gap)
        position = start + length
        spans.append(CharSpan(start, position, label))
    return position + draw(st.integers(0, 2)), spans


@pytest.mark.parametrize("name", ["io", "bio", "biluo"])
@given(texts())
def test_decode_inverts_encode(name, text):
    n_chars, spans = text
    scheme = TagScheme(name, LABELS)
    tags = scheme.encode(n_chars, spans)
    assert len(tags) == n_chars
    assert scheme.decode(tags) == spans


@pytest.mark.parametrize("name", ["bio", "biluo"])
def test_touching_entities_of_one_label_stay_apart(name):
    spans = [CharSpan(0, 2, "POS"), CharSpan(2, 3, "POS"), CharSpan(3, 6, "POS")]
    scheme = TagScheme(name, LABELS)
    assert scheme.decode(scheme.encode(6, spans)) == spans


@pytest.mark.parametrize(
    ("name", "tags", "place"), [("bio", [0, 2], 1), ("bio", [2], 0), ("biluo", [0, 1], 2)]
)
def test_decode_refuses_what_is_not_legal(name, tags, place):
    with pytest.raises(ValueError, match=f"Tag {place} breaks the scheme '{name}'"):
        TagScheme(name, LABELS).decode(tags)


def test_bad_schemes_are_refused():
    with pytest.raises(InputError, match="Unknown tag scheme 'iob'"):
        TagScheme("iob", LABELS)
    with pytest.raises(InputError, match="differ"):
        TagScheme("io", ["POS", "POS"])


@pytest.mark.parametrize("name", ["io", "bio", "biluo"])
def test_a_bonus_counts_once_for_each_entity_of_the_label(name):
    scheme = TagScheme(name, ["NEG", "POS"])
    scores = scheme.begin_scores({"NEG": 0.5})
    edge = len(scheme.tags)
    # At the start of the text, next to another entity, after O; of one character and of more.
    spans = [CharSpan(0, 2, "NEG"), CharSpan(2, 3, "POS"), CharSpan(3, 4, "NEG"), (5, 8, "NEG")]
    tags = scheme.encode(9, spans)
    assert scores[np.append(edge, tags), np.append(tags, edge)].sum() == 1.5


def test_a_bonus_for_an_unknown_label_is_refused():
    with pytest.raises(InputError, match="MIXED, but the labels are NEG, POS"):
        TagScheme("bio", ["NEG", "POS"]).begin_scores({"MIXED": 1})
