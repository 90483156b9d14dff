"""The loops of the Viterbi search and of forward-backward, compiled (the extra `fast`).

Those of the search do, one text after the other, what `_Search` does for all texts at a time, in
the same arithmetic: the answers are the same to the bit.
"""

import numpy as np

from ..compiling import compiled


@compiled
def _larger(a: float, b: float) -> float:
    """As `numpy.maximum`, to which nan is larger than anything."""
    return b if b > a or b != b else a


@compiled
def forward(
    best: np.ndarray,
    reached: np.ndarray,
    at: np.ndarray,
    batch_sizes: np.ndarray,
    free: np.ndarray,
    jump: np.ndarray,
    bounds: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    score: np.ndarray,
) -> None:
    """Fill `best` and `reached`, of which the emissions are in place, as `_Search._forward` says.

    bounds: jumps t + 1 to t + 2 of it end at step t. Else as in `Steps`, `Jumps` and `_Search`.
    """
    n_states, n_tags = free.shape
    n_closed = n_states - n_tags - 1
    tops = np.empty(len(best[0]))
    for t in range(len(batch_sizes)):
        n, here, there = batch_sizes[t], at[t], at[t + 1]
        for tag in range(n_tags):
            tops[:n] = -np.inf
            for state in range(n_states):
                step = free[state, tag]
                if step == -np.inf:  # as of most to a tag that continues an entity
                    continue
                for r in range(n):
                    tops[r] = _larger(tops[r], best[state, here + r] + step)
            for r in range(n):
                best[n_closed + tag, there + r] += tops[r]
        for j in range(bounds[t + 1], bounds[t + 2]):
            for k in range(first.shape[1]):
                top = -np.inf
                for state in range(n_states):
                    top = _larger(top, best[state, source[j]] + jump[state, first[j, k]])
                reached[j, k] = top + score[j, k]
                cell = last[j, k], target[j]
                best[cell] = _larger(best[cell], reached[j, k])


@compiled
def trace(
    best: np.ndarray,
    into: np.ndarray,
    at: np.ndarray,
    lengths: np.ndarray,
    origin: np.ndarray,
    first: np.ndarray,
    start: np.ndarray,
    tags: np.ndarray,
) -> np.ndarray:
    """Fill `tags` and return the jumps taken, as `_Search._trace` says.

    lengths: of the texts by rank. first: of a jump times K + label, the column of `into` that
    stands for its first tag. start: of a jump times K + label.
    """
    n_closed = len(origin)
    taken = np.empty(len(tags), np.int64)
    n_taken = 0
    for rank in range(len(lengths)):
        follows = into.shape[1] - 1
        p = lengths[rank]
        while p:
            column = at[p] + rank
            state, top = 0, best[0, column] + into[0, follows]
            for other in range(1, len(best)):
                score = best[other, column] + into[other, follows]
                if score > top or (score != score and top == top):
                    state, top = other, score
            if state >= n_closed:
                follows = tags[column - len(lengths)] = state - n_closed
                p -= 1
            else:
                jump = origin[state, column]
                if jump >= len(first):
                    raise IndexError("no jump ends here")
                taken[n_taken] = jump
                n_taken += 1
                follows, p = first[jump], start[jump]
    return taken[:n_taken]


@compiled
def forward_sums(
    gain: np.ndarray,
    step: np.ndarray,
    batch_sizes: np.ndarray,
    forward: np.ndarray,
    scales: np.ndarray,
) -> None:
    """Fill `forward` (N, T) and `scales` (N,), as `marginals._forward` says."""
    n_tags = gain.shape[1]
    first = 0
    for t in range(len(batch_sizes)):
        for row in range(first, first + batch_sizes[t]):
            total = 0.0
            for tag in range(n_tags):
                came = step[n_tags, tag]
                if t:
                    came = 0.0
                    for other in range(n_tags):
                        came += forward[row - batch_sizes[t - 1], other] * step[other, tag]
                forward[row, tag] = came * gain[row, tag]
                total += forward[row, tag]
            scales[row] = total
            for tag in range(n_tags):
                forward[row, tag] /= total
        first += batch_sizes[t]


@compiled
def backward_sums(
    gain: np.ndarray,
    step: np.ndarray,
    batch_sizes: np.ndarray,
    rest: np.ndarray,
    backward: np.ndarray,
) -> None:
    """Fill `backward` (N, T), as `marginals._backward` says."""
    n_tags = gain.shape[1]
    onward = np.empty(n_tags)
    end, n_after = len(gain), 0
    for t in range(len(batch_sizes) - 1, -1, -1):
        first = end - batch_sizes[t]
        for rank in range(batch_sizes[t]):
            if rank < n_after:
                for tag in range(n_tags):
                    onward[tag] = gain[end + rank, tag] * backward[end + rank, tag]
            for tag in range(n_tags):
                total = step[tag, n_tags] / rest[rank]
                if rank < n_after:
                    total = 0.0
                    for other in range(n_tags):
                        total += step[tag, other] * onward[other]
                backward[first + rank, tag] = total
        end, n_after = first, batch_sizes[t]
