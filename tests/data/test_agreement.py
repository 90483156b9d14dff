import pytest

from spacy_absa.data.agreement import Agreement, agreement, settle
from spacy_absa.data.annotation_tools import Annotation
from spacy_absa.types import CharSpan

A, B, C = CharSpan(0, 1, "POS"), CharSpan(0, 1, "NEG"), CharSpan(2, 3, "POS")


def said(text, annotator, *spans, id="1"):
    return Annotation(id, text, annotator, list(spans))


def test_what_all_say_is_taken_without_a_conflict():
    texts, conflicts = settle([said("x", "anna", A), said("x", "bo", A), said("y", "bo", id="2")])
    assert [(t.id, t.text, t.spans) for t in texts] == [("1", "x", [A]), ("2", "y", [])]
    assert conflicts == []


def test_a_majority_decides_and_is_reported():
    texts, (conflict,) = settle([said("x", "anna", A, C), said("x", "bo", A), said("x", "cy", A)])
    assert [t.spans for t in texts] == [[A]]
    assert conflict.settled
    assert conflict.readings == {"anna": [A, C], "bo": [A], "cy": [A]}


def test_without_a_majority_the_text_is_left_out():
    two = [said("x", "anna", A), said("x", "bo", B)]
    four = [said("x", name, span) for name, span in zip("abcd", (A, A, B, B), strict=True)]
    for annotations in (two, four):
        texts, (conflict,) = settle(annotations)
        assert texts == []
        assert not conflict.settled


def test_of_one_annotator_the_last_word_counts():
    texts, conflicts = settle([said("x", "anna", A), said("x", "anna", B)])
    assert [t.spans for t in texts] == [[B]]
    assert conflicts == []


def test_agreement_is_f1_of_spans_on_shared_texts():
    annotations = [
        said("x", "anna", A, C),
        said("x", "bo", A),
        said("y", "anna", A),
        said("y", "bo", B),
        said("z", "anna", A),  # bo has not read it
        said("w", "cy", A),  # nobody else has
    ]
    # 1 span in common of 3 of anna's and 2 of bo's
    assert agreement(annotations) == [Agreement("anna", "bo", 2, pytest.approx(2 * 1 / 5))]


def test_two_who_find_nothing_agree():
    assert agreement([said("x", "anna"), said("x", "bo")])[0].f1 == 1
