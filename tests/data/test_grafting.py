from collections import Counter
from itertools import islice
from random import Random

import pytest

from spacy_absa.data.grafting import grafts
from spacy_absa.decoding.lexicon import Lexicon, LexiconEntry

TEXTS = ["昨天试驾了本田，今天下雨。", "没有名字的一句", *["丰田省油"] * 9]
REVIEWS = [
    "这手机真好，手机壳也好，物流很快，还会再来！",
    "酒店很吵",
    "比本田手机贵，好",
    "送货神速",
]


def lexicon(*names):
    return Lexicon([LexiconEntry(name, "") for name in names])


NAMES, SLOTS = lexicon("本田", "丰田", "途观"), lexicon("手机", "手机壳", "酒店")


def draw(n, texts=TEXTS, reviews=REVIEWS, **options):
    made = grafts(texts, reviews, NAMES, SLOTS, Random(0), **options)
    return list(islice(made, n))


def test_reviews_get_a_name_in_the_place_of_what_is_reviewed():
    renamed = draw(400)[::2]
    assert not any(slot in text for text in renamed for slot in ("手机", "酒店"))
    assert {"本田很吵", "丰田很吵"} < set(renamed)
    # One name in all places, the longest word of each, and what is said before and behind.
    assert "这丰田真好，丰田也好，物流很快，还会再来！" in renamed
    assert "丰田也好，物流很快，" in renamed
    for text in renamed:
        assert len({name for name in ("本田", "丰田") if name in text}) == 1 or "比本田" in text


def test_texts_with_a_name_get_clauses_of_reviews_beside_them():
    grafted = set(draw(400)[1::2])
    assert {"丰田省油，送货神速", "昨天试驾了本田，物流很快，还会再来！"} < grafted
    assert {"送货神速，丰田省油", "物流很快，丰田省油"} < grafted
    # Neither clauses of the domain without a name nor clauses of reviews that are about something,
    # nor very short ones.
    assert not any(part in text for text in grafted for part in ("下雨", "没有", "手机", "贵"))
    assert not any(text.endswith(("，好", "油好")) for text in grafted)


def test_what_joins_two_parts():
    assert "丰田省油; 送货神速" in draw(400, comma="; ")
    assert draw(1, ["Honda 本田 is  loud."], ["a 手机 phone", "so nice, really"]) == [
        "a 本田 phone"
    ]


def test_names_come_by_the_root_of_their_frequency():
    names = Counter(text[:2] for text in draw(4000, reviews=["酒店很吵", "送货神速"])[::2])
    assert names.keys() == {"本田", "丰田"}  # never 途观, which is in no text
    assert names["丰田"] / names["本田"] == pytest.approx(3, rel=0.15)


@pytest.mark.parametrize(
    ("texts", "reviews"),
    [
        (["没有名字"], REVIEWS),
        (TEXTS, ["送货神速"]),
        (TEXTS, ["酒店很吵"]),
        ([], []),
        (TEXTS, [""]),
    ],
)
def test_without_material_there_is_nothing(texts, reviews):
    assert draw(3, texts, reviews) == []
