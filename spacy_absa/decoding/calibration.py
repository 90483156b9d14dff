"""Calibrated probabilities, by three numbers that are fitted on development data."""

from typing import NamedTuple

import numpy as np


class Calibration(NamedTuple):
    """Maps what the tagger believes to how often it is right; both maps keep the order.

    The log-odds of "just these characters are an entity of this label" are scaled by ``slope``
    and shifted by ``offset`` (Platt 1999); the log-probabilities of the labels, given that there
    is an entity, are divided by ``temperature`` (Guo et al. 2017). The defaults change nothing.
    """

    slope: float = 1.0
    offset: float = 0.0
    temperature: float = 1.0

    def scores(self, joint: np.ndarray) -> np.ndarray:
        """Probabilities of entities, of any shape, in [0, 1]."""
        joint = np.minimum(joint, 1.0)  # sums of rounded products may exceed it
        right = np.exp(self.offset) * joint**self.slope
        return right / (right + (1 - joint) ** self.slope)

    def shares(self, joint: np.ndarray) -> np.ndarray:
        """Of probabilities per label, [M, K], rows that sum to 1; uniform where all underflow."""
        peaks = joint.max(axis=1, keepdims=True, initial=0.0)
        scaled = np.divide(joint, peaks, out=np.ones_like(joint), where=peaks > 0)
        scaled **= 1 / self.temperature
        return scaled / scaled.sum(axis=1, keepdims=True)
