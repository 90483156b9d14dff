"""How well probabilities are calibrated, and fitting what calibrates them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ..decoding.calibration import Calibration
from .readings import ScoredEntity

N_BINS = 10
# Probabilities this close to 0 and 1 have finite log-odds.
_EPSILON = 1e-12


def calibration_figures(entities: Sequence[ScoredEntity]) -> dict[str, Any]:
    """Reliability of `absa_score`, over all entities found, and of `sentiment_scores`.

    The latter is the probability of the label given, over those that are gold entities with any
    label.
    """
    there = [entity for entity in entities if entity.gold is not None]
    return {
        "absa_score": reliability(
            [entity.score for entity in entities],
            [entity.label == entity.gold for entity in entities],
        ),
        "sentiment_scores": reliability(
            [entity.shares[entity.label] for entity in there],
            [entity.label == entity.gold for entity in there],
        ),
    }


def reliability(probabilities: Sequence[float], right: Sequence[bool]) -> dict[str, Any]:
    """Compare probabilities in ten bins of equal width with the share that is right in each.

    `ece` is the expected calibration error (Naeini et al. 2015): the mean distance of the two,
    weighted by the bins' sizes. As the sample is finite, perfect probabilities would have one as
    well: about `ece_of_perfect`, the mean absolute deviation of as many draws with these
    probabilities (normal approximation). Both are None where there is nothing to compare. `bins`
    leaves out the empty ones.
    """
    p, is_right = numpy.asarray(probabilities, dtype=float), numpy.asarray(right, dtype=float)
    n = len(p)
    if not n:
        return {"n": 0, "ece": None, "ece_of_perfect": None, "bins": []}
    bin_of = numpy.minimum((p * N_BINS).astype(int), N_BINS - 1)
    sizes = numpy.bincount(bin_of, minlength=N_BINS)
    expected, observed, variance = (
        numpy.bincount(bin_of, values, N_BINS) for values in (p, is_right, p * (1 - p))
    )
    return {
        "n": n,
        "ece": float(numpy.abs(expected - observed).sum() / n),
        "ece_of_perfect": float(numpy.sqrt(variance * 2 / math.pi).sum() / n),
        "bins": [
            {
                "from": number / N_BINS,
                "to": (number + 1) / N_BINS,
                "n": int(sizes[number]),
                "probability": float(expected[number] / sizes[number]),
                "right": float(observed[number] / sizes[number]),
            }
            for number in numpy.flatnonzero(sizes).tolist()
        ],
    }


def fit_calibration(entities: Sequence[ScoredEntity]) -> Calibration:
    """The calibration under which the gold labels are most probable.

    The entities must come from an uncalibrated component. A standard normal prior on the offset
    and on the logarithms of slope and temperature keeps them finite where entities are few or all
    of them right; among hundreds it has no weight.
    """
    log_odds = torch.logit(_tensor([entity.score for entity in entities]), _EPSILON)
    right = _tensor([entity.label == entity.gold for entity in entities])
    labels = sorted({label for entity in entities for label in entity.shares})
    there = [entity for entity in entities if entity.gold in labels]
    shares = _tensor([[entity.shares[label] for label in labels] for entity in there])
    log_shares = shares.reshape(len(there), len(labels)).clamp(min=_EPSILON).log()
    gold = torch.tensor([labels.index(entity.gold) for entity in there], dtype=torch.long)
    # Logarithm of the slope, offset, logarithm of the temperature
    theta = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([theta], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        fitted = theta[0].exp() * log_odds + theta[1]
        nats = binary_cross_entropy_with_logits(fitted, right, reduction="sum")
        nats = nats + cross_entropy(log_shares / theta[2].exp(), gold, reduction="sum")
        nats = nats + theta.square().sum() / 2
        nats.backward()
        return nats

    optimizer.step(loss)
    log_slope, offset, log_temperature = theta.tolist()
    return Calibration(math.exp(log_slope), offset, math.exp(log_temperature))


def _tensor(values: list) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)
