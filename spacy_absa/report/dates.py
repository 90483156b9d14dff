"""Dates in whatever way a column writes them, and the periods they fall into."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from enum import Enum
from functools import lru_cache
from typing import Any

_YEARS = range(1900, 2101)
# Digits of a time in seconds, and in milliseconds, since 1970.
_EPOCH_DIGITS = (10, 13)
_FROM_CHINESE = str.maketrans({"年": "-", "月": "-", "时": ":", "点": ":", "分": ":", "秒": " "})
_TIME_OF_DAY = re.compile("[日号]|[上中下]午|早上|晚上|凌晨")
_SHORT_YEAR = re.compile(r"(\d{1,2}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{6})(?!\d)")


class Period(str, Enum):
    """What days are counted together."""

    auto = "auto"
    day = "day"
    week = "week"
    month = "month"
    quarter = "quarter"
    year = "year"


_START: dict[Period, Callable[[date], date]] = {
    Period.day: lambda day: day,
    Period.week: lambda day: day - timedelta(days=day.weekday()),
    Period.month: lambda day: day.replace(day=1),
    Period.quarter: lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    Period.year: lambda day: day.replace(month=1, day=1),
}
# From the start of a period this leads into the next.
_LONGEST = {
    Period.day: timedelta(days=1),
    Period.week: timedelta(days=7),
    Period.month: timedelta(days=31),
    Period.quarter: timedelta(days=92),
    Period.year: timedelta(days=366),
}
# With more points than these a trend is noise.
_MAX_PERIODS = 36


def period_starts(first: date, last: date, period: Period) -> list[date]:
    """The first days of all periods from that of ``first`` to that of ``last``."""
    starts = [period_start(first, period)]
    while (start := period_start(starts[-1] + _LONGEST[period], period)) <= last:
        starts.append(start)
    return starts


def choose_period(first: date, last: date) -> Period:
    """The shortest period of which at most 36 lie between two days; years if none does."""
    for period in _START:
        if len(period_starts(first, last, period)) <= _MAX_PERIODS:
            return period
    return Period.year


def period_start(day: date, period: Period) -> date:
    """The first day of the period in which a day lies; weeks begin on Mondays."""
    return _START[period](day)


def read_day(value: Any) -> date | None:
    """The day of a date or time, as it is written there, whatever its time zone; None if none.

    Takes what ISO 8601 and dateutil know (of 3/4/2016 the month comes first), 2016年5月1日, and
    seconds or milliseconds since 1970 (of which the day is that of UTC). A month alone is its first
    day; a date without a year or month is none, nor is one that only holds a place, such as
    9999-12-31, or one like 16-5-1, 160501 or 5/1/16, which may have its year at either end.
    """
    day: date | None
    if isinstance(value, datetime):
        day = value.date()
    elif isinstance(value, date):
        day = value
    elif isinstance(value, str | int):
        day = _parse(str(value).strip())
    else:
        day = _parse(f"{value:.0f}") if isinstance(value, float) else None
    return day if day is not None and day.year in _YEARS else None


@lru_cache(maxsize=100_000)
def _parse(value: str) -> date | None:
    from dateutil.parser import parse

    try:
        if value.isdecimal() and len(value) in _EPOCH_DIGITS:
            seconds = int(value) / (1000 if len(value) == _EPOCH_DIGITS[1] else 1)
            return datetime.fromtimestamp(seconds, timezone.utc).date()
        with suppress(ValueError):  # the usual case, and many times faster
            return datetime.fromisoformat(value).date()
        value = _TIME_OF_DAY.split(value)[0].translate(_FROM_CHINESE).rstrip("-: ")
        if _SHORT_YEAR.match(value):
            return None
        # What the value does not say is taken from the default: then the two differ.
        one, other = (parse(value, default=datetime(y, m, 1)) for y, m in ((2000, 1), (2004, 2)))
    except (ValueError, OverflowError):
        return None
    return one.date() if one.date() == other.date() else None
