"""Counts what texts say about entities, in one pass and in memory that texts do not add to."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from ..data.text import find_surrogate
from ..data.texts import stable_hash
from ..errors import InputError
from ..folding import fold
from .dates import read_day
from .quotes import Mark, Quote, Run, Sample, excerpt
from .sources import AnnotatedText, Found

_MAX_GROUPS = 500
_MAX_SHOWN = 40  # characters of a value

# Mentions by sentiment
Tally = Counter[str]
# The id, or without one the folded name; and whether it is an id
Key = tuple[str, bool]


@dataclass(slots=True)
class EntityCounts:
    """What was found of one entity."""

    texts: int = 0
    score: float = 0.0  # sum over the mentions
    tally: Tally = field(default_factory=Counter)
    spellings: Counter[str] = field(default_factory=Counter)
    # By day or group, and sentiment: flat, for most are few and there may be many
    days: Counter[tuple[date, str]] = field(default_factory=Counter)
    groups: Counter[tuple[str, str]] = field(default_factory=Counter)
    samples: dict[str, Sample] = field(default_factory=dict)  # by sentiment

    def count(self, found: Found, spelling: str, day: date | None, group: str | None) -> None:
        """Take in a mention."""
        self.score += found.score
        self.tally[found.sentiment] += 1
        self.spellings[spelling] += 1
        if day is not None:
            self.days[day, found.sentiment] += 1
        if group is not None:
            self.groups[group, found.sentiment] += 1


class Counts:
    """What was found in all texts that were added.

    time, group: the columns by which to tell texts apart, if any.
    """

    def __init__(self, time: str | None = None, group: str | None = None) -> None:
        self.time = time
        self.group = group
        self.texts = 0
        self.texts_with_entities = 0
        self.files: Counter[str] = Counter()  # texts in each
        self.days: Counter[date] = Counter()  # texts of each
        self.groups: Counter[str] = Counter()
        self.entities: dict[Key, EntityCounts] = defaultdict(EntityCounts)
        self.unread_time: str | None = None  # an example of a value that is no date, quoted
        self._columns: list[str] = []  # of the first row

    def add(self, text: AnnotatedText) -> None:
        """Count a text. Raises InputError for a group column with too many values."""
        self._columns = self._columns or list(text.fields)
        day, group = self._day(text), self._group(text)
        self.texts += 1
        self.texts_with_entities += bool(text.found)
        self.files[str(text.file)] += 1
        if not text.found:
            return
        key_of_text = stable_hash(text.text)
        keys = [_key(text.text, found) for found in text.found]
        for key, found in zip(keys, text.found, strict=True):
            entity = self.entities[key]
            entity.count(found, text.text[found.start : found.end], day, group)
            sample = entity.samples.setdefault(found.sentiment, Sample())
            if sample.would_take(key_of_text):
                sample.add(key_of_text, _quote(text, found, keys))
        for key in dict.fromkeys(keys):
            self.entities[key].texts += 1

    def check(self) -> None:
        """Raise InputError if no entity was found, or no text has a time or a group."""
        if not self.entities:
            raise InputError(
                f"There is no entity in {self.texts} texts, so there is nothing to report: give "
                "more texts, or look at what `spacy absa predict` finds in them."
            )
        for column, values, what in (
            (self.time, self.days, "date"),
            (self.group, self.groups, "value"),
        ):
            if column is not None and not values:
                bad_date = self.unread_time if what == "date" else None
                example = f" (such as {bad_date})" if bad_date else ""
                raise InputError(
                    f"No row has a {what} at {column!r}{example}: the columns are "
                    f"{', '.join(self._columns)}."
                )

    def _day(self, text: AnnotatedText) -> date | None:
        if self.time is None:
            return None
        value = text.fields.get(self.time)
        day = read_day(value)
        if day is not None:
            self.days[day] += 1
        elif value not in (None, ""):
            self.unread_time = repr(str(value)[:_MAX_SHOWN])
        return day

    def _group(self, text: AnnotatedText) -> str | None:
        if self.group is None:
            return None
        value = text.fields.get(self.group)
        group = "" if value is None else str(value).strip()
        if not group or find_surrogate(group) is not None:
            return None
        self.groups[group] += 1
        if len(self.groups) > _MAX_GROUPS:
            raise InputError(
                f"{text.file}, line {text.line}: {self.group!r} has more than {_MAX_GROUPS} "
                "different values, too many to compare: name a column with few."
            )
        return group


def entity_key(identifier: str, name: str) -> Key:
    """What tells entities apart: mentions with one key are of one entity."""
    return (identifier, True) if identifier else (fold(name), False)


def _key(text: str, found: Found) -> Key:
    return entity_key(found.id, text[found.start : found.end])


def _quote(text: AnnotatedText, subject: Found, keys: Iterable[Key]) -> Quote:
    """The surroundings of an entity, with all entities there; those of its key are subjects."""
    words, shift, start, end = excerpt(text.text, subject.start, subject.end)
    key = _key(text.text, subject)
    marks = [
        Mark(found.start + shift, found.end + shift, found.label, found.score, other == key)
        for found, other in zip(text.found, keys, strict=True)
        if start <= found.start and found.end <= end
    ]
    runs = [
        Run(max(start, run.start) + shift, min(end, run.end) + shift, run.weight)
        for run in subject.explanation
    ]
    runs = [run for run in runs if run.start < run.end]
    return Quote(words, marks, runs, subject.score, str(text.file), text.line)
