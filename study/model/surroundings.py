"""Guessing the words around: a second question, asked of words that are in sight.

Guessing a hidden word trains what the encoder says at a mask, never what it says of a word that it sees, and that is what a
study reads out. So some visible words are asked for words of their document near by that are out of sight: hidden ones of the
same row, and words before and after the row. It is Skip-gram's question, put to a vector that has read the sentence.

Letters: b rows, t words of a row, n words asked, r words drawn for each, d width, k candidates.

References
----------
Mikolov, Chen, Corrado & Dean (2013), arXiv:1301.3781 (Skip-gram), and Mikolov et al. (2013), arXiv:1310.4546 (frequent words are
drawn less often).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from study.contracts import Array
from study.model.objective import Scoring
from study.model.sequences import Sequences


@dataclass(frozen=True)
class Asked:
    """Visible words and what is drawn around each: ``places`` of shape (n,), ``targets`` of shape (n, r), -1 for none."""

    places: Tensor
    targets: Tensor


class Surroundings(nn.Module):
    """The head by which the encoder guesses the words around, needed for training only.

    Parameters
    ----------
    width : int
        Of the encoder.
    counts : ndarray of shape (v,)
        Occurrences of every word.
    share : float
        Of the visible words that are asked, in (0, 1].
    window : int
        Words before and after that may be drawn.
    drawn : int
        Words drawn for each, of which those in sight, of another document or thinned out as frequent are dropped.
    threshold : float
        Words of a relative frequency above this are drawn less often.
    """

    def __init__(self, width: int, counts: Array, share: float, window: int, drawn: int, threshold: float) -> None:
        super().__init__()
        self.share, self.window, self.drawn = share, window, drawn
        frequency = np.maximum(counts, 1) / counts.sum()
        self.kept = np.minimum(1.0, np.sqrt(threshold / frequency))  # (v,)
        self.head = nn.Linear(width, width, bias=False)

    def draw(self, training: Sequences, starts: Array, words: Array, segments: Array, hidden: Array, random: np.random.Generator) -> Asked:
        """Draw visible words of rows, and words around each that are out of sight.

        Parameters
        ----------
        training : Sequences
        starts : ndarray of shape (b,), int64
            Where the rows start in the stream.
        words, segments : ndarray of shape (b, t), int64
        hidden : ndarray of shape (n of the hidden,), int64
            Flattened places of the words that are hidden.
        random : Generator
        """
        known = training.symbols.words
        t = words.shape[1]
        out_of_sight = np.zeros(words.size, bool)
        out_of_sight[hidden] = True
        visible = np.flatnonzero((words.reshape(-1) < known) & ~out_of_sight)
        number = max(1, 32 * round(self.share * len(visible) / 32))
        places = np.sort(random.permutation(visible)[:number])  # (n,)
        distance = random.integers(1, self.window + 1, (len(places), self.drawn))
        distance = np.where(random.random(distance.shape) < 0.5, distance, -distance)  # (n, r)
        column = (places % t)[:, None] + distance  # (n, r), of the row or beside it
        at = starts[places // t][:, None] + column
        inside = (at >= 0) & (at < training.total)
        targets, segment = training.at(np.where(inside, at, 0))
        good = inside & (segment == segments.reshape(-1)[places][:, None]) & (targets < known)
        in_row = (column >= 0) & (column < t)
        flat = (places // t)[:, None] * t + np.clip(column, 0, t - 1)
        good &= ~in_row | out_of_sight[flat]
        good &= random.random(good.shape) < self.kept[np.where(good, targets, 0)]
        return Asked(torch.from_numpy(places), torch.from_numpy(np.where(good, targets, -1)))

    def loss(self, network: Scoring, x: Tensor, targets: Tensor, candidates: Tensor, log_probability: Tensor) -> Tensor:
        """Return the loss per word drawn, nats; ``x`` of shape (n, d) holds the last vectors of the words asked."""
        table, bias = network.output()
        x = self.head(x)
        drawn = targets.clamp(min=0).flatten()
        rows = functional.embedding(torch.cat([drawn, candidates]), table)
        true_rows, candidate_rows = rows.split([len(drawn), len(candidates)])
        true = torch.einsum("nd,nrd->nr", x.float(), true_rows.view(*targets.shape, -1).float()) + bias[drawn].view_as(targets)
        others = functional.linear(x, candidate_rows, bias[candidates] - log_probability).logsumexp(dim=1).float()  # (n,)
        given = (targets >= 0).float()
        return ((others[:, None] - true) * given).sum() / given.sum().clamp(min=1)
