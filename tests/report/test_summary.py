"""Counting and summing up, by values computed by hand."""

from pathlib import Path

import pytest

from spacy_absa.errors import InputError
from spacy_absa.report.counting import Counts
from spacy_absa.report.dates import Period
from spacy_absa.report.quotes import SAMPLE_SIZE, Run
from spacy_absa.report.sources import AnnotatedText, Found, Source
from spacy_absa.report.summary import summarise

FILE = Path("a.jsonl")
LABELS = {"positive": "POS", "neutral": "NEU", "negative": "NEG"}


def text(words, *found, line=1, **fields):
    """found: (name, sentiment, id) or (name, sentiment, id, score)."""
    entries = []
    for name, sentiment, id, *score in found:
        start = words.index(name)
        end = start + len(name)
        score = score[0] if score else 0.9
        entries.append(Found(start, end, LABELS[sentiment], sentiment, score, id, []))
    return AnnotatedText(FILE, line, fields, words, entries)


def summary_of(texts, time=None, group=None, period=Period.auto, top=10):
    counts = Counts(time, group)
    for one in texts:
        counts.add(one)
    counts.check()
    return summarise(counts, [Source(FILE, [FILE])], period, top)


def test_names_with_one_id_are_one_entity_and_others_by_their_folded_name():
    summary = summary_of(
        [
            text("本田和思域", ("本田", "positive", "honda"), ("思域", "negative", "civic")),
            text("Honda好", ("Honda", "positive", "honda", 0.5)),
            text("Ｑ７好", ("Ｑ７", "neutral", "")),
            text("q7", ("q7", "neutral", "")),
            text("Q7", ("Q7", "negative", "")),
            text("honda", ("honda", "neutral", "")),
            text("什么都没有"),
        ]
    )
    entities = {(e["key"], e["id"]): e for e in summary["entities"]}
    assert entities.keys() == {("q7", ""), ("honda", "honda"), ("honda", ""), ("civic", "civic")}
    assert entities["honda", "honda"]["spellings"] == {"本田": 1, "Honda": 1}
    assert entities["honda", "honda"]["mean_confidence"] == pytest.approx(0.7)
    assert entities["q7", ""]["mentions"] == 3
    assert entities["q7", ""]["share_of_mentions"] == 3 / 7
    assert (summary["texts"], summary["texts_with_entities"], summary["mentions"]) == (7, 6, 7)
    assert summary["entities"][0]["key"] == "q7"


def test_thirty_mentions_are_not_few():
    few, enough = (
        summary_of([text("本田", ("本田", "positive", "")) for _ in range(n)]) for n in (29, 30)
    )
    assert [s["entities"][0]["small"] for s in (few, enough)] == [True, False]


def test_periods_grow_with_the_time_between_the_first_day_and_the_last():
    days = ("2024-01-01", "2024-01-05", "2026-01-01")
    texts = [text("本田", ("本田", "positive", ""), day=day) for day in days]
    assert summary_of(texts[:2], time="day")["time"]["period"] == "day"
    assert summary_of(texts, time="day")["time"]["period"] == "month"


def test_quotes_are_those_of_the_first_names_worth_adding():
    texts = [text(name, (name, "positive", "")) for name in ("甲", "乙") for _ in range(3)]
    texts += [text("本田", ("本田", "positive", "honda")) for _ in range(9)]
    summary = summary_of(texts, top=1)
    assert len(summary["worth_adding"]) == 2
    assert sum("quotes" in entity for entity in summary["entities"]) == 2


def test_figures_are_those_computed_by_hand():
    texts = [
        *(text(f"本田好{i}", ("本田", "positive", "honda")) for i in range(30)),
        *(text(f"本田坏{i}", ("本田", "negative", "honda")) for i in range(10)),
        *(text(f"本田车{i}", ("本田", "neutral", "honda")) for i in range(60)),
    ]
    (honda,) = summary_of(texts)["entities"]
    assert (honda["mentions"], honda["texts"], honda["small"]) == (100, 100, False)
    assert [honda[s]["mentions"] for s in LABELS] == [30, 60, 10]
    assert [honda[s]["value"] for s in LABELS] == [0.3, 0.6, 0.1]
    assert honda["net"] == pytest.approx(
        {"value": 0.2, "low": 0.079072, "high": 0.313085}, abs=2e-6
    )


def test_two_mentions_in_a_text_are_one_text():
    (honda,) = summary_of(
        [text("本田Honda", ("本田", "positive", "honda"), ("Honda", "positive", "honda"))]
    )["entities"]
    assert (honda["mentions"], honda["texts"]) == (2, 1)
    (quote,) = honda["quotes"]["positive"]
    assert [mark["is_subject"] for mark in quote["marks"]] == [True, True]


def test_trends_and_groups_leave_out_texts_without_a_value():
    rows = [
        ("2016-02-29", "news", "negative"),
        ("2016-01-31", "forum", "positive"),
        ("2016/02/01", " forum ", "negative"),
        ("?", "", "neutral"),
        (None, None, "neutral"),
    ]
    texts = [text("本田", ("本田", s, "honda"), date=d, source=g) for d, g, s in rows]
    summary = summary_of(texts, "date", "source", Period.month)
    (honda,) = summary["entities"]
    assert [(t["start"], t["mentions"], t["net"]["value"]) for t in honda["trend"]] == [
        ("2016-01-01", 1, 1.0),
        ("2016-02-01", 2, -1.0),
    ]
    groups = [(g, f["net"]["value"]) for g, f in honda["groups"].items()]
    assert groups == [("forum", 0), ("news", -1)]
    assert summary["time"] == {
        "column": "date",
        "period": "month",
        "first": "2016-01-31",
        "last": "2016-02-29",
        "missing": 2,
        "unread": "'?'",
    }
    assert summary["group"] == {
        "column": "source",
        "texts": {"forum": 2, "news": 1},
        "missing": 2,
    }
    assert honda["mentions"] == 5


@pytest.mark.parametrize(
    ("time", "group", "message"),
    [
        ("day", None, r"No row has a date at 'day': the columns are date, source\."),
        ("source", None, r"No row has a date at 'source' \(such as 'x'\)"),
        (None, "city", r"No row has a value at 'city'"),
    ],
)
def test_a_column_that_never_has_a_value_is_refused(time, group, message):
    texts = [text("本田", ("本田", "positive", ""), date="2016-01-01", source="x")]
    with pytest.raises(InputError, match=message):
        summary_of(texts, time, group)


def test_a_column_with_a_value_for_every_text_is_no_group():
    texts = (text("本田", ("本田", "positive", ""), line=i, n=i) for i in range(1, 600))
    with pytest.raises(InputError, match=r"a\.jsonl, line 501: 'n' has more than 500"):
        summary_of(texts, group="n")


def test_texts_without_any_entity_are_refused():
    with pytest.raises(InputError, match="no entity in 1 texts"):
        summary_of([text("什么都没有")])


def test_names_outside_of_the_list_are_worth_adding_if_frequent_and_sure():
    texts = [
        text("本田", ("本田", "positive", "honda")),
        *(text(f"小鹏{i}", ("小鹏", "positive", "")) for i in range(3)),
        *(text(f"蔚来{i}", ("蔚来", "positive", "")) for i in range(2)),
        *(text(f"我的{i}", ("我的", "positive", "", 0.3)) for i in range(5)),
    ]
    summary = summary_of(texts, top=1)
    assert summary["worth_adding"] == ["小鹏"]
    # Details are for those that the page shows
    for details in ("quotes", "trend", "groups"):
        assert {e["key"] for e in summary["entities"] if details in e} == {"我的", "小鹏"}
    # Without any list nothing is outside of it
    assert summary_of(texts[1:])["worth_adding"] == []


def test_memory_for_quotes_does_not_grow_with_texts():
    counts = Counts()
    for i in range(500):
        counts.add(text(f"本田{i}" + "长" * 1000, ("本田", "positive", "honda")))
    (honda,) = counts.entities.values()
    quotes = honda.samples["positive"].quotes()
    assert len(quotes) == SAMPLE_SIZE
    assert max(len(quote.text) for quote in quotes) < 200


def test_what_the_ellipsis_of_a_quote_stands_for_is_not_marked():
    words = "长" * 100 + "宝马" + "啊" * 79 + "本田" + "啊" * 79 + "丰田" + "短" * 200
    names = [(name, "positive", name) for name in ("宝马", "本田", "丰田")]
    honda = next(e for e in summary_of([text(words, *names)])["entities"] if e["id"] == "本田")
    (quote,) = honda["quotes"]["positive"]
    assert (quote["text"][:2], quote["text"][-2:]) == ("…马", "丰…")
    assert [quote["text"][m["start"] : m["end"]] for m in quote["marks"]] == ["本田"]


def test_explanations_keep_their_place_in_a_cut_text():
    words = "前" * 200 + "，真" + "本田" + "好" + "后" * 200
    start = words.index("本田")
    runs = [Run(start + 2, start + 3, 0.8), Run(0, 5, 0.1)]
    found = Found(start, start + 2, "POS", "positive", 0.9, "", runs)
    (honda,) = summary_of([AnnotatedText(FILE, 1, {}, words, [found])])["entities"]
    (quote,) = honda["quotes"]["positive"]
    assert [(quote["text"][r["start"] : r["end"]], r["weight"]) for r in quote["explanation"]] == [
        ("好", 0.8)
    ]
    assert [quote["text"][m["start"] : m["end"]] for m in quote["marks"]] == ["本田"]
