"""Pairs of rows that may share a stretch of time, found without a look at each shift of each pair.

What a shift of two rows must reach at least depends on the number of common steps, and on how little may
change in the quietest stretch of each. Nearly all pairs stay below that everywhere; the few others are looked
at closely.
"""

import numpy as np
from scipy import fft

from avfusion.model_selection.leakage._shifts import (
    MIN_CORRELATION,
    MIN_ENERGY,
    MIN_OVERLAP,
    cumulated,
    spectrum,
)

BLOCK_BYTES = 64e6
LENGTHS = (49, 56, 63, 72, 82, 94)  # of stretches; a longer one is made of these and less than an eighth more
MAX_DRAWS = 100_000


class Candidates:
    """Pairs of rows, block by block, that can reach some evidence at a shift.

    Parameters
    ----------
    changes : list of ndarray of shape (steps, n_features), or RankedChanges
        As of `ranked_changes`; of 49 steps at least.
    lengths : ndarray of int of shape (n_rows,)
        Their numbers of steps.
    parted : PartedRows
        Pairs to compare.
    min_evidence : float
        Of Fisher's transform of the correlation, times the square root of the number of steps.
    max_work : float
        Number of shifts after which no block is begun: half of them in neighbouring rows, half in a sample of
        all, by a fixed seed.

    Attributes
    ----------
    n_compared : int
        Pairs that were compared so far.

    Examples
    --------
    >>> from avfusion.model_selection.leakage._parted import PartedRows
    >>> film = np.random.default_rng(0).normal(size=(500, 3))
    >>> changes = [film[:200], film[250:450], film[100:300]]
    >>> candidates = Candidates(changes, np.full(3, 200), PartedRows([([0, 1], [2])], 3), 5, 1e9)
    >>> [(one, other) for one, other, products in candidates], candidates.n_compared
    ([(0, 2), (1, 2)], 2)
    """

    def __init__(self, changes, lengths, parted, min_evidence, max_work):
        self.changes, self.parted, self.max_work = changes, parted, max_work
        self.n_compared, self.work = 0, 0.0
        self._lengths, self._quietest = lengths, np.full(len(lengths), np.nan)
        size = max(1, int(np.sqrt(BLOCK_BYTES / (8 * self._lengths.max()))) // 4)
        self._blocks = [
            np.arange(first, min(first + size, len(lengths))) for first in range(0, len(lengths), size)
        ]
        steps = np.arange(self._lengths.max() + 1)
        with np.errstate(divide="ignore"):
            least = np.maximum(MIN_CORRELATION, np.tanh(min_evidence / np.sqrt(steps)))
            self._weights = np.where(steps < MIN_OVERLAP - 1, 0.0, 1 / (least * steps)).astype(np.float32)

    def __iter__(self):
        for left, right in self._block_pairs():
            yield from self._compare(left, right)

    def _block_pairs(self):
        """Yield all pairs of blocks, or, where these are too many, neighbours and a sample of the others."""
        n_blocks, seen = len(self._blocks), set()
        share = 1 if self._all_work() <= self.max_work else 0.5
        for apart in range(n_blocks):
            for left in range(n_blocks - apart):
                if self.work > share * self.max_work:
                    break
                seen.add((left, left + apart))
                yield self._blocks[left], self._blocks[left + apart]
        rng = np.random.default_rng(0)
        for _ in range(MAX_DRAWS if share < 1 else 0):
            pair = tuple(np.sort(rng.integers(n_blocks, size=2)).tolist())
            if self.work > self.max_work:
                break
            if pair not in seen:
                seen.add(pair)
                yield self._blocks[pair[0]], self._blocks[pair[1]]

    def _all_work(self):
        return self.parted.n_pairs() * 2.0 * self._lengths.mean()

    def _compare(self, left, right):
        """Yield i, j and the sums of products at all shifts, (n_fft,), for candidates in two blocks."""
        wanted = np.array([self.parted.partners(i, right) & (right > i) for i in left])
        if not wanted.any():
            return
        longest = self._lengths[left].max() + self._lengths[right].max()
        n_fft = fft.next_fast_len(int(longest), real=True)
        ones, others = (
            np.stack([spectrum(self.changes[row], n_fft).T for row in rows], axis=1) for rows in (left, right)
        )
        cross = np.moveaxis(ones @ others.conj().transpose(0, 2, 1), 0, 2)  # one small product per frequency
        products = fft.irfft(np.ascontiguousarray(cross), n_fft, axis=2)
        least = np.sqrt(np.outer(self._lowest(left), self._lowest(right)))
        likely = wanted & (self._highest(products, left, right) >= 0.99 * least)
        self.n_compared += int(wanted.sum())
        self.work += products.size + 20.0 * n_fft * likely.sum()
        for one, other in zip(*np.nonzero(likely)):
            yield int(left[one]), int(right[other]), products[one, other]

    def _lowest(self, rows):
        """Return how little may change in a step of each row, (n_rows,)."""
        for row in rows[np.isnan(self._quietest[rows])]:
            self._quietest[row] = _quietest(self.changes[row])
        return self._quietest[rows]

    def _highest(self, products, left, right):
        """Return the highest weighted product of each pair, (n_left, n_right)."""
        n_fft, weights = products.shape[2], {}
        shift = fft.fftfreq(n_fft, 1 / n_fft).round().astype(int)
        highest = np.empty(products.shape[:2], dtype=np.float32)
        for i, one in enumerate(self._lengths[left].tolist()):
            lengths = self._lengths[right].tolist()
            for other in set(lengths) - {key[1] for key in weights if key[0] == one}:
                steps = np.minimum(one, other + shift) - np.maximum(shift, 0)
                weights[one, other] = self._weights[np.clip(steps, 0, None)]
            if len(set(lengths)) == 1:
                highest[i] = (products[i] * weights[one, lengths[0]]).max(axis=1)
            else:
                highest[i] = [(products[i, j] * weights[one, n]).max() for j, n in enumerate(lengths)]
        return highest


def _quietest(series):
    """Return a bound below the mean energy per step of all stretches that count."""
    total = cumulated(series)
    lowest = min(
        (total[length:] - total[:-length]).min() / length for length in LENGTHS if length < len(total)
    )
    return max(7 / 8 * lowest, MIN_ENERGY * series.shape[1])
