"""From the tagger's scores to entities: what is found by the settings, and how probable it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy
from thinc.types import Floats2d

from ..decoding.calibration import Calibration
from ..decoding.kbest import k_best
from ..decoding.marginals import Lattice, forward_backward
from ..decoding.schemes import TagScheme
from ..decoding.viterbi import Mode, viterbi
from ..lexicon import Match
from ..types import CharSpan
from .annotations import Mention

# Where entities are: the first character of each, and the one behind its last.
Extents = Sequence[tuple[int, int]]


class Reading(NamedTuple):
    """One way to read a text: its entities in text order, and how probable just these are."""

    entities: list[CharSpan]
    probability: float


@dataclass(frozen=True)
class Decoder:
    """Decodes by the settings of a component, which `AbsaGRU` explains.

    The methods take, per text, the scores of the tags at each character (n_chars, T) and the names
    of the lexicon in it; and the scores of transitions (T + 1, T + 1), oriented as in
    `decoding.schemes`.
    """

    scheme: TagScheme
    lexicon_mode: Mode
    lexicon_bonus: float
    label_bonus: Mapping[str, float]
    calibration: Calibration

    def mentions(
        self,
        texts: Sequence[str],
        scores: Sequence[numpy.ndarray],
        transitions: numpy.ndarray,
        matches: Sequence[Sequence[Match]],
    ) -> list[list[Mention]]:
        """What each text is found to mention, with probabilities (exact marginals, calibrated)."""
        transitions = self._with_label_bonus(transitions)
        spans = viterbi(
            scores,
            transitions,
            self.scheme,
            matches,
            mode=self.lexicon_mode,
            bonus=self.lexicon_bonus,
        )
        found = [i for i, those in enumerate(spans) if those]
        lattice = forward_backward([scores[i] for i in found], transitions, self.scheme.legal)
        extents = [(row, s.start, s.end) for row, i in enumerate(found) for s in spans[i]]
        probabilities = lattice.span_marginals(extents, self.scheme)
        joint = iter(self.calibration.scores(probabilities).tolist())
        shares = iter(self.calibration.shares(probabilities).tolist())
        labels = self.scheme.labels
        mentions: list[list[Mention]] = [[] for _ in spans]
        for i in found:
            ids = {(match.start, match.end): match.id for match in matches[i]}
            for start, end, label in spans[i]:
                mentions[i].append(
                    Mention(
                        text=texts[i][start:end],
                        start=start,
                        end=end,
                        label=label,
                        scores=dict(zip(labels, next(shares), strict=True)),
                        score=next(joint)[labels.index(label)],
                        id=ids.get((start, end), ""),
                    )
                )
        return mentions

    def readings(
        self,
        scores: Sequence[numpy.ndarray],
        transitions: numpy.ndarray,
        matches: Sequence[Sequence[Match]],
        k: int,
    ) -> list[list[Reading]]:
        """The `k` best readings of each text, best first: see `AbsaGRU.readings`."""
        transitions = self._with_label_bonus(transitions)
        log_z = forward_backward(scores, transitions, self.scheme.legal).log_z
        return [
            [
                Reading(entities, self._probability(entities, of_text, transitions, total))
                for _, entities in k_best(
                    of_text,
                    transitions,
                    self.scheme,
                    k,
                    those,
                    mode=self.lexicon_mode,
                    bonus=self.lexicon_bonus,
                )
            ]
            for of_text, those, total in zip(scores, matches, log_z.tolist(), strict=True)
        ]

    def _with_label_bonus(self, transitions: numpy.ndarray) -> numpy.ndarray:
        return transitions + self.scheme.begin_scores(self.label_bonus)

    def _probability(
        self,
        entities: list[CharSpan],
        scores: numpy.ndarray,
        transitions: numpy.ndarray,
        log_z: float,
    ) -> float:
        """The probability of the tags that spell these entities."""
        tags, edge = self.scheme.encode(len(scores), entities), len(self.scheme.tags)
        emitted = scores[numpy.arange(len(tags)), tags].sum(dtype="float64")
        moved = transitions[numpy.append(edge, tags), numpy.append(tags, edge)].sum()
        return float(numpy.exp(emitted + moved - log_z))


def draw_readings(
    lattice: Lattice, scheme: TagScheme, n: int, rng: numpy.random.Generator
) -> list[list[list[CharSpan]]]:
    """`n` readings of each text from the distribution over its tag sequences."""
    draws = [map(scheme.decode, lattice.sample(rng)) for _ in range(n)]
    return [list(readings) for readings in zip(*draws, strict=True)]


def label_shares(
    lattice: Lattice, scheme: TagScheme, groups: Sequence[tuple[int, Extents]]
) -> list[Floats2d]:
    """The probability of each label, given that there is an entity at each of the extents.

    groups: a text's index, and extents in it. Returns (n_extents, n_labels) for each.
    """
    extents = [(text, start, end) for text, those in groups for start, end in those]
    shares = Calibration().shares(lattice.span_marginals(extents, scheme))
    return numpy.split(shares, numpy.cumsum([len(those) for _, those in groups])[:-1])
