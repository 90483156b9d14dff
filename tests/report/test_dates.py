from datetime import date, datetime, timedelta, timezone

import pytest

from spacy_absa.report.dates import Period, choose_period, period_start, period_starts, read_day

pytest.importorskip("dateutil")
MAY_1 = date(2016, 5, 1)


@pytest.mark.parametrize(
    "value",
    [
        "2016-05-01",
        " 2016/5/1 23:59 ",
        "20160501",
        "2016-05-01T23:30:00-08:00",  # the day that is written there
        "Sun, 01 May 2016 10:00:00 GMT",
        "2016年5月1日",
        "2016年5月1日 12时30分",
        "2016年5月1号",
        "2016-05-01上午10:00",
        "2016年5月1日下午3点",
        "2016年5月1日 3点半",
        "2016-05-01 12时30分",
        "2016年5月1日星期日",
        "2016年5月",
        "5/1/2016",
        " 1462104000 ",
        1462104000,
        1462104000.5,
        1462104000123,
        datetime(2016, 5, 1, 23, 59, tzinfo=timezone(timedelta(hours=8))),
        MAY_1,
    ],
)
def test_dates_are_read_however_they_are_written(value):
    assert read_day(value) == MAY_1


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "12:30",
        "May",
        "3",
        3,
        True,
        ["2016-05-01"],
        "2016-13-01",
        "9999-12-31",
        "16-5-1",
        "1/5/16 10:00",
        "16-5/1",
        "16 5 1",
        "160501",
        160501,
        date(1, 1, 1),
        "9" * 400,
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_date_is_none(value):
    assert read_day(value) is None


@pytest.mark.parametrize(
    ("period", "start"),
    [
        (Period.day, date(2016, 8, 17)),
        (Period.week, date(2016, 8, 15)),
        (Period.month, date(2016, 8, 1)),
        (Period.quarter, date(2016, 7, 1)),
        (Period.year, date(2016, 1, 1)),
    ],
)
def test_periods_begin_where_calendars_say(period, start):
    assert period_start(date(2016, 8, 17), period) == start


@pytest.mark.parametrize(
    ("last", "period"),
    [
        (date(2016, 1, 1), Period.day),
        (date(2016, 2, 5), Period.day),  # the 36th day
        (date(2016, 2, 6), Period.week),
        (date(2018, 12, 31), Period.month),
        (date(2019, 1, 1), Period.quarter),
        (date(2026, 1, 1), Period.year),
        (date(2100, 1, 1), Period.year),
    ],
)
def test_the_shortest_period_is_chosen_that_gives_few_points(last, period):
    assert choose_period(date(2016, 1, 1), last) is period


@pytest.mark.parametrize("period", [p for p in Period if p is not Period.auto])
def test_all_periods_between_two_days_are_listed(period):
    first, last = date(2015, 11, 29), date(2019, 3, 1)
    days = (first + timedelta(days=i) for i in range((last - first).days + 1))
    expected = list(dict.fromkeys(period_start(day, period) for day in days))
    assert period_starts(first, last, period) == expected


def test_months_are_listed_to_that_of_the_last_day():
    assert period_starts(date(2015, 11, 30), date(2016, 2, 1), Period.month) == [
        date(2015, 11, 1),
        date(2015, 12, 1),
        date(2016, 1, 1),
        date(2016, 2, 1),
    ]
