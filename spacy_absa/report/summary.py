"""The report as plain data: what the page, the JSON file and the CSV file all show."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

from ..pipeline.annotations import SENTIMENTS
from ..types import Fields
from .counting import Counts, EntityCounts, Key, Tally
from .dates import Period, choose_period, period_start
from .quotes import Quote, typical
from .sources import Source
from .statistics import Estimate, net, share

# Below so many mentions a share says little; the page marks it.
SMALL = 30
# Quotes of each sentiment
_N_QUOTES = 3
# A name outside of the entity list is worth adding if so many texts hold it, and the pipeline
# is, on average, as sure of it.
_MIN_TEXTS = 3
_MIN_SCORE = 0.5


def summarise(counts: Counts, sources: Iterable[Source], period: Period, top: int) -> Fields:
    """All figures of the report, in plain types.

    period: what days are counted together. top: of how many entities quotes, trend and groups are
    given, of those named most and of those worth adding to the entity list.
    """
    if counts.days and period is Period.auto:
        period = choose_period(min(counts.days), max(counts.days))
    mentions = sum(entity.tally.total() for entity in counts.entities.values())
    ranked = sorted(counts.entities.items(), key=lambda item: (-item[1].tally.total(), item[0]))
    entities = [_entity(key, entity, mentions) for key, entity in ranked]
    outside = _worth_adding(entities)
    shown = {id(entity) for entity in [*entities[:top], *outside[:top]]}
    for entity, (_, counted) in zip(entities, ranked, strict=True):
        if id(entity) in shown:
            entity.update(_details(counted, period))
    return {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "version": version("spacy-absa"),
        "sources": [_source(source, counts) for source in sources],
        "texts": counts.texts,
        "texts_with_entities": counts.texts_with_entities,
        "mentions": mentions,
        "time": _time(counts, period),
        "group": _group(counts),
        "small": SMALL,
        "entities": entities,
        "worth_adding": [entity["key"] for entity in outside],
    }


def _entity(key: Key, counts: EntityCounts, mentions: int) -> Fields:
    name, has_id = key
    n = counts.tally.total()
    return {
        "key": name,
        "name": counts.spellings.most_common(1)[0][0],
        "id": name if has_id else "",
        "spellings": dict(counts.spellings.most_common()),
        "texts": counts.texts,
        "share_of_mentions": n / mentions,
        "mean_confidence": counts.score / n,
        **_figures(counts.tally),
    }


def _details(counts: EntityCounts, period: Period) -> Fields:
    return {
        "trend": [
            {"start": start.isoformat(), **_figures(tally)}
            for start, tally in _tallies(counts.days, lambda day: period_start(day, period))
        ],
        "groups": {group: _figures(tally) for group, tally in _tallies(counts.groups, str)},
        "quotes": {
            sentiment: [_quote(q) for q in typical(counts.samples[sentiment].quotes(), _N_QUOTES)]
            for sentiment in SENTIMENTS.values()
            if sentiment in counts.samples
        },
    }


def _figures(tally: Tally) -> Fields:
    """Counts, shares and net sentiment of at least one mention."""
    n = tally.total()
    return {
        "mentions": n,
        "small": n < SMALL,
        **{
            sentiment: {"mentions": tally[sentiment], **_interval(share(tally[sentiment], n))}
            for sentiment in SENTIMENTS.values()
        },
        "net": _interval(net(tally["positive"], tally["negative"], n)),
    }


def _interval(estimate: Estimate) -> Fields:
    return {key: round(value, 6) for key, value in estimate._asdict().items()}


def _tallies(
    counts: Counter[tuple[Any, str]], key_of: Callable[[Any], Any]
) -> list[tuple[Any, Tally]]:
    """Put together the counts that fall under one key, in the order of the keys."""
    tallies: dict[Any, Tally] = defaultdict(Counter)
    for (value, sentiment), count in counts.items():
        tallies[key_of(value)][sentiment] += count
    return sorted(tallies.items())


def _worth_adding(entities: list[Fields]) -> list[Fields]:
    """Those without an id that are named often and surely; none if there are no ids at all."""
    if not any(entity["id"] for entity in entities):
        return []
    return [
        entity
        for entity in entities
        if not entity["id"]
        and entity["texts"] >= _MIN_TEXTS
        and entity["mean_confidence"] >= _MIN_SCORE
    ]


def _quote(quote: Quote) -> Fields:
    return {
        **quote._asdict(),
        "marks": [mark._asdict() for mark in quote.marks],
        "explanation": [run._asdict() for run in quote.explanation],
    }


def _source(source: Source, counts: Counts) -> Fields:
    fields: Fields = {
        "path": str(source.path),
        "texts": sum(counts.files[str(file)] for file in source.files),
    }
    if source.manifest is not None and source.quarantine is not None:
        run = source.manifest["run"]
        fields |= {
            **{key: run[key] for key in ("pipeline", "lexicon", "packages", "inputs")},
            "quarantined": source.quarantine.total(),
            "reasons": dict(source.quarantine.most_common()),
            "time": source.manifest["time"],
        }
    return fields


def _time(counts: Counts, period: Period) -> Fields | None:
    if counts.time is None:
        return None
    return {
        "column": counts.time,
        "period": period.value,
        "first": min(counts.days).isoformat(),
        "last": max(counts.days).isoformat(),
        "missing": counts.texts - counts.days.total(),
        "unread": counts.unread_time,
    }


def _group(counts: Counts) -> Fields | None:
    if counts.group is None:
        return None
    return {
        "column": counts.group,
        "texts": dict(counts.groups.most_common()),
        "missing": counts.texts - counts.groups.total(),
    }
