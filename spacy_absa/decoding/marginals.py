"""Forward-backward: probabilities of tags and entities, and the losses of CRF and softmax.

Works on probabilities that are rescaled at each step (Rabiner 1989, section V.A), so that what is
impossible is simply 0. Score differences above some 700 underflow to impossible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from .entities import score_entities
from .loops import compiled_loops
from .packing import Packed, pack, unpack
from .schemes import TagScheme

# The loss, summed over the texts; its gradients by the emissions and by the transitions.
Loss = tuple[float, list[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Lattice:
    """The distribution over the tag sequences of each of ``B`` texts.

    A path has the probability ``prod_t step[tag before, tag] * gain[t, tag]``, times ``step[last
    tag, boundary] / rest``. ``forward`` sums the products of all beginnings of a path up to a tag,
    ``backward`` those of its ends after it. Rows are packed.
    """

    log_z: np.ndarray  # [B], log of the sum of exp(score) over all paths
    _step: np.ndarray  # [T + 1, T + 1], exp(transitions) up to a factor
    _log_gain: np.ndarray  # [N, T], emissions, rescaled
    _gain: np.ndarray  # [N, T], exp of these
    _rest: np.ndarray  # [B] by rank, what the rescaling left over
    _forward: np.ndarray  # [N, T]
    _backward: np.ndarray  # [N, T]
    _packed: Packed

    @property
    def marginals(self) -> list[np.ndarray]:
        """The probability of each tag at each character, per text ``[n_i, T]``."""
        return unpack(self._packed.with_data(self._forward * self._backward))

    @property
    def expected_transitions(self) -> np.ndarray:
        """How often tag ``j`` is expected to follow ``i`` in all texts, ``[T + 1, T + 1]``.

        Oriented as in ``schemes``; an empty text goes once from boundary to boundary.
        """
        sizes, lengths = self._packed.batch_sizes, self._packed.lengths
        written = lengths > 0
        n = int(written.sum())
        last = self._packed.last_rows
        before = np.arange(n, len(self._gain)) - np.repeat(sizes[:-1], sizes[1:])
        onward = self._gain * self._backward
        expected = np.empty_like(self._step)
        expected[:-1, :-1] = self._forward[before].T @ onward[n:]
        expected[-1, :-1] = onward[:n].sum(axis=0)
        expected[:-1, -1] = (self._forward[last] / self._rest[written, None]).sum(axis=0)
        expected[-1, -1] = (1 / self._rest[~written]).sum()
        return expected * self._step

    def sample(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw a tag sequence of each text from the distribution, ``[n_i]`` int.

        From the last tag backwards, each given the one after it (Scott 2002, section 2.1).
        """
        offsets = self._packed.offsets
        tags = np.empty(len(self._forward), dtype=np.int64)
        after = np.full(len(self._packed.order), len(self._step) - 1)
        for start, n in zip(offsets[::-1], self._packed.batch_sizes[::-1], strict=True):
            after[:n] = draw(self._forward[start : start + n] * self._step[:-1, after[:n]].T, rng)
            tags[start : start + n] = after[:n]
        return unpack(self._packed.with_data(tags))

    def span_marginals(
        self, spans: Sequence[tuple[int, int, int]], scheme: TagScheme
    ) -> np.ndarray:
        """The probability, per label, that each span is an entity of it: ``[M, K]``.

        ``spans`` holds a text's index, and the start and end of the characters. Of exactly this
        extent: what follows must close the entity, what precedes must not be part of it. The
        labels are in the order of ``scheme.labels``.
        """
        text, start, end = np.array(spans, dtype=np.int64).reshape(-1, 3).T
        offsets, rank = self._packed.offsets, self._packed.ranks[text]
        last = self._packed.lengths[rank] - 1
        step = np.where(scheme.boundary, self._step[:-1, :-1], 0.0)
        before = np.where(  # [M, T], by the first tag
            (start == 0)[:, None],
            self._step[-1, :-1],
            self._forward[offsets[np.maximum(start - 1, 0)] + rank] @ step,
        )
        row = offsets[np.minimum(end, last)] + rank
        after = np.where(  # [M, T], by the last tag
            (end > last)[:, None],
            self._step[:-1, -1] / self._rest[rank, None],
            (self._gain[row] * self._backward[row]) @ step.T,
        )
        # In logarithms, as single factors may be huge.
        with np.errstate(divide="ignore"):
            gain = self._packed.with_data(self._log_gain)
            where = text, start, end
            first, last, inside = score_entities(gain, np.log(self._step), scheme, *where)
            each = np.arange(len(text))[:, None]
            edges = np.log(before[each, first]) + np.log(after[each, last])
        return np.exp(edges + inside)


def draw(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A column for each row, drawn by its weights: ``[N, K]`` to ``[N]`` int."""
    ladder = weights.cumsum(axis=1)
    return (ladder <= rng.random((len(weights), 1)) * ladder[:, -1:]).sum(axis=1)


def forward_backward(
    emissions: Sequence[np.ndarray], transitions: np.ndarray, legal: np.ndarray | None = None
) -> Lattice:
    """The distribution in which a path's probability is proportional to exp of its score.

    ``emissions`` holds ``[n_i, T]`` scores per text, -inf where a tag is not allowed;
    ``transitions`` and ``legal`` (``None``: all are) are ``[T + 1, T + 1]``, oriented as in
    ``schemes``. Raises ``ValueError``, naming the text's index, where no path is possible.
    """
    transitions = np.asarray(transitions, dtype=np.float64)
    if legal is not None:
        transitions = np.where(legal, transitions, -np.inf)
    n_tags = len(transitions) - 1
    packed = pack(emissions)
    scores = packed.data.reshape(-1, n_tags).astype(np.float64)
    ceiling = transitions.max()
    step = np.exp(transitions - ceiling)
    with np.errstate(divide="ignore", invalid="ignore"):  # dead texts are told by their log_z
        peaks = reduce(np.maximum, scores.T)  # tag by tag: few tags, many rows
        log_gain = scores - peaks[:, None]
        gain = np.exp(log_gain)
        forward, scales = _forward(gain, step, packed)
        gain /= scales[:, None]
        log_gain -= np.log(scales)[:, None]
        rest = np.full(len(packed.order), step[-1, -1])
        last = packed.last_rows
        rest[: len(last)] = forward[last] @ step[:-1, -1]
        rank = np.arange(len(scores)) - np.repeat(packed.offsets, packed.batch_sizes)
        inside = np.bincount(rank, np.log(scales) + peaks, minlength=len(rest))
        log_z = np.empty_like(rest)
        log_z[packed.order] = inside + np.log(rest) + (packed.lengths + 1) * ceiling
    dead = np.flatnonzero(~np.isfinite(log_z))
    if len(dead):
        raise ValueError(
            f"Text {dead[0]} has no possible path: its allowed tags are not legal, or the training "
            "diverged: train again with a lower learning rate."
        )
    backward = _backward(gain, step, rest, packed)
    return Lattice(log_z, step, log_gain, gain, rest, forward, backward, packed)


def crf_loss(
    emissions: Sequence[np.ndarray],
    transitions: np.ndarray,
    allowed: Sequence[np.ndarray],
    legal: np.ndarray | None = None,
    given: Sequence[np.ndarray] | None = None,
) -> Loss:
    """The negative log-likelihood of a linear-chain CRF, of gold that may be partly unknown.

    ``allowed`` holds ``[n_i, T]`` bool per text: one tag where the gold is known, several where it
    is not. The loss is log Z of all paths minus log Z of those allowed (Tsuboi et al. 2008), its
    gradient the difference of their expectations. ``given`` (``None``: nothing), shaped alike,
    leaves only paths of these tags, and the loss is that of what is known already. Raises
    ``ValueError``, naming the text's index, where no legal path is allowed.
    """
    clamped = forward_backward(_clamp(emissions, allowed), transitions, legal)
    free = forward_backward(_clamp(emissions, given), transitions, legal)
    d_emissions = [p - q for p, q in zip(free.marginals, clamped.marginals, strict=True)]
    d_transitions = free.expected_transitions - clamped.expected_transitions
    return float((free.log_z - clamped.log_z).sum()), d_emissions, d_transitions


def softmax_loss(
    emissions: Sequence[np.ndarray],
    allowed: Sequence[np.ndarray],
    given: Sequence[np.ndarray] | None = None,
) -> Loss:
    """``crf_loss`` without transitions, for one text or more: masked cross-entropy.

    The gradient by the transitions, ``[T + 1, T + 1]``, is zero. Raises ``ValueError``, naming the
    text's index, where a character has no allowed tag.
    """
    for text, those in enumerate(allowed):
        if not those.any(axis=1).all():
            raise ValueError(f"Text {text} has a character without an allowed tag.")
    free_z, free = _softmax(np.concatenate(_clamp(emissions, given)))
    clamped_z, clamped = _softmax(np.concatenate(_clamp(emissions, allowed)))
    d_emissions = np.split(free - clamped, np.cumsum([len(scores) for scores in emissions])[:-1])
    n_tags = free.shape[1]
    return float((free_z - clamped_z).sum()), d_emissions, np.zeros((n_tags + 1, n_tags + 1))


def _clamp(
    emissions: Sequence[np.ndarray], allowed: Sequence[np.ndarray] | None
) -> Sequence[np.ndarray]:
    if allowed is None:
        return emissions
    return [np.where(a, scores, -np.inf) for scores, a in zip(emissions, allowed, strict=True)]


def _softmax(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log of the sum of exponentials, and the softmax, of each row."""
    scores = scores.astype(np.float64)
    peaks = scores.max(axis=1, keepdims=True)
    exps = np.exp(scores - peaks)
    sums = exps.sum(axis=1, keepdims=True)
    return (np.log(sums) + peaks)[:, 0], exps / sums


def _forward(gain: np.ndarray, step: np.ndarray, packed: Packed) -> tuple[np.ndarray, np.ndarray]:
    """Forward probabilities, each row scaled to sum 1, and the sums before: [N, T], [N]."""
    scales = np.empty(len(gain))
    if loops := compiled_loops():
        forward = np.empty_like(gain)
        loops.forward_sums(gain, step, packed.batch_sizes, forward, scales)
        return forward, scales
    forward = gain.copy()
    inner, before = step[:-1, :-1], step[-1, :-1]
    start = 0
    for n in packed.batch_sizes.tolist():
        here, scale = forward[start : start + n], scales[start : start + n]
        here *= before[:n] @ inner if start else before
        np.add.reduce(here, axis=1, out=scale)
        here /= scale[:, None]
        before = here
        start += n
    return forward, scales


def _backward(gain: np.ndarray, step: np.ndarray, rest: np.ndarray, packed: Packed) -> np.ndarray:
    """Backward sums, ``[N, T]``."""
    backward = np.empty_like(gain)
    if loops := compiled_loops():
        loops.backward_sums(gain, step, packed.batch_sizes, rest, backward)
        return backward
    last = packed.last_rows
    backward[last] = step[:-1, -1] / rest[: len(last), None]
    outer = step[:-1, :-1].T
    end = len(gain)
    starts, sizes = packed.offsets.tolist(), packed.batch_sizes.tolist()
    for start, n, end in zip(starts[-2::-1], sizes[:0:-1], starts[:0:-1], strict=True):
        after = slice(end, end + n)
        np.matmul(gain[after] * backward[after], outer, out=backward[start : start + n])
    return backward
