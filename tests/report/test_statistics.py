import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_absa.report.statistics import net, share


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in
    # Medicine 17 (1998), table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_shares_have_the_published_intervals(count, n, low, high):
    estimate = share(count, n)
    assert estimate.value == count / n
    assert estimate[1:] == pytest.approx((low, high), abs=5e-5)


def test_net_sentiment_has_the_interval_computed_by_hand():
    # Shifted: (30 - 10) / 102; variance (41 / 102 - (20 / 102)²) / 102
    estimate = net(30, 10, 100)
    assert estimate.value == 0.2
    assert estimate[1:] == pytest.approx((0.079072, 0.313085), abs=1e-6)


@given(st.lists(st.integers(0, 400), min_size=3, max_size=3).filter(any))
def test_estimates_lie_in_their_intervals_and_these_in_bounds(counts):
    positive, neutral, negative = counts
    n = positive + neutral + negative
    for (value, low, high), least in ((share(positive, n), 0), (net(positive, negative, n), -1)):
        assert least <= low <= value <= high <= 1
    mirrored = net(negative, positive, n)
    assert net(positive, negative, n)[1:] == pytest.approx((-mirrored.high, -mirrored.low))
