"""Intervals for shares and for net sentiment: how far chance alone may have moved them."""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

_Z = NormalDist().inv_cdf(0.975)


class Estimate(NamedTuple):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


def share(count: int, n: int) -> Estimate:
    """The share count / n with Wilson's score interval, each from 0 to 1; n at least 1.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of
    the American Statistical Association 22 (1927).
    """
    p = count / n
    weight = _Z**2 / n
    centre = (p + weight / 2) / (1 + weight)
    half = sqrt(p * (1 - p) * weight + weight**2 / 4) / (1 + weight)
    # At 0 and n an end lies on the share itself, which rounding must not undo.
    return Estimate(p, min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half)))


def net(positive: int, negative: int, n: int) -> Estimate:
    """Net sentiment (positive - negative) / n, from -1 to 1, with its interval; n at least 1.

    It is a difference of two shares of the same sample. The interval is Wald's after half a case
    has been added to each of four cells, which keeps its promise for small samples too: A. Agresti
    and Y. Min, Simple improved confidence intervals for comparing matched proportions, Statistics
    in Medicine 24 (2005).
    """
    size = n + 2
    shifted = (positive - negative) / size
    half = _Z * sqrt((positive + negative + 1) / size - shifted**2) / sqrt(size)
    return Estimate((positive - negative) / n, max(-1.0, shifted - half), min(1.0, shifted + half))
