import pytest

from spacy_absa.lexicon import Match, Matches

BY_TEXT = [
    [Match(0, 4, "a"), Match(0, 2, "b"), Match(3, 5, "c"), Match(4, 5, "d")],
    [],
    [Match(1, 2, "e")],
]


def test_matches_are_a_list_of_lists():
    matches = Matches.of(BY_TEXT)
    assert list(matches) == BY_TEXT
    assert matches[-1] == BY_TEXT[2]
    assert (matches.text.tolist(), matches.start.tolist()) == ([0, 0, 0, 0, 2], [0, 0, 3, 4, 1])
    assert Matches.of(matches) is matches
    assert list(Matches.of([])) == [] and list(Matches.of([[]])) == [[]]
    with pytest.raises(IndexError):
        matches[3]


def test_some_can_be_taken():
    matches = Matches.of(BY_TEXT)
    assert list(matches.take(matches.ids == "e")) == [[], [], BY_TEXT[2]]


def test_the_longest_from_the_left_do_not_overlap():
    a, _, _, d = BY_TEXT[0]
    assert list(Matches.of(BY_TEXT).longest()) == [[a, d], [], BY_TEXT[2]]
    same_place = [[Match(0, 2, "a")], [Match(1, 3, "b")]]  # of two texts
    assert list(Matches.of(same_place).longest()) == same_place
