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
from study.model.objective import ROUND, Masked, Scoring, moved
from study.model.sequences import Sequences
from study.model.table import look_up

LARGEST = 1 - 1e-6
"""Share of the candidates' sum that one of them may have, so that what is left of it is above zero in float32."""


@dataclass(frozen=True)
class Around:
    """Visible words, and what is drawn around each.

    Attributes
    ----------
    places : Tensor of shape (n,), int64
        Where they stand in the flattened rows.
    targets : Tensor of shape (n, r), int64
        The words drawn; -1 where one was dropped.
    """

    places: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Around:
        """Move both parts to a device."""
        return Around(moved(self.places, device), moved(self.targets, device))


class Surroundings(nn.Module):
    """The head by which the encoder guesses the words around; it is needed for training only.

    Parameters
    ----------
    width : int
        Of the encoder.
    counts : ndarray of shape (v,)
        Occurrences of every word.
    share : float
        Of the visible words that are asked, in (0, 1].
    window : int
        Words before and after a visible word of which some are drawn.
    drawn : int
        How many are drawn; those in sight, of another segment or thinned out as frequent are dropped again.
    threshold : float
        A word of relative frequency f is kept with the probability √(threshold / f), at most 1.
    """

    def __init__(self, width: int, counts: Array, *, share: float, window: int, drawn: int, threshold: float) -> None:
        super().__init__()
        self.share, self.window, self.drawn = share, window, drawn
        self.kept = np.minimum(1.0, np.sqrt(threshold * counts.sum() / np.maximum(counts, 1)))  # (v,)
        self.head = nn.Linear(width, width, bias=False)

    def draw(self, training: Sequences, starts: Array, batch: Masked, random: np.random.Generator) -> Around:
        """Draw visible words of rows, and words around each that are out of sight.

        Parameters
        ----------
        training : Sequences
            What the rows are cut from.
        starts : ndarray of shape (b,), int64
            Where the rows start in it.
        batch : Masked
            The rows, with hidden words.
        random : Generator
        """
        words, segments, hidden = batch.words.cpu().numpy(), batch.segments.cpu().numpy(), np.zeros(batch.words.numel(), bool)
        asked = batch.places.cpu().numpy()
        hidden[asked[words.reshape(-1)[asked] != batch.targets.cpu().numpy()]] = True  # some are asked, but shown as they are
        known, t = training.symbols.words, words.shape[1]
        visible = np.setdiff1d(np.flatnonzero(words.reshape(-1) < known), asked)
        number = min(len(visible), ROUND * max(1, round(self.share * len(visible) / ROUND)))
        places = np.sort(random.permutation(visible)[:number])  # (n,)
        away = random.integers(1, self.window + 1, (number, self.drawn)) * random.choice([-1, 1], (number, self.drawn))  # (n, r)
        column = (places % t)[:, None] + away  # (n, r), in the row or beside it
        stream = starts[places // t][:, None] + column
        there = (stream >= 0) & (stream < training.total)
        targets, segment = training.at(np.where(there, stream, 0))
        in_row = (column >= 0) & (column < t)
        in_sight = in_row & ~hidden[(places // t * t)[:, None] + np.where(in_row, column, 0)]
        good = there & ~in_sight & (targets < known) & (segment == segments.reshape(-1)[places][:, None])
        good &= random.random(good.shape) < self.kept[np.where(good, targets, 0)]
        return Around(torch.from_numpy(places), torch.from_numpy(np.where(good, targets, -1)))

    def loss(self, network: Scoring, x: Tensor, targets: Tensor, candidates: Tensor, log_probability: Tensor) -> Tensor:
        """Estimate the softmax loss of the words drawn, from candidates as ``study.model.objective`` does.

        Parameters
        ----------
        network : Scoring
        x : Tensor of shape (n, d)
            Last vectors of the visible words.
        targets : Tensor of shape (n, r), int64
        candidates, log_probability : Tensor of shape (k,)

        Returns
        -------
        Tensor of shape (), nats per word drawn and kept
        """
        table, bias = network.output()  # (v or more, d), (v,)
        (n, r), k, given = targets.shape, len(candidates), targets >= 0
        x, drawn = self.head(x), targets.clamp(min=0)  # (n, d), (n, r)
        true_rows, candidate_rows = look_up(table, torch.cat([drawn.flatten(), candidates])).split([n * r, k])
        true = torch.einsum("nd,nrd->nr", x.float(), true_rows.unflatten(0, (n, r))) + bias[drawn]  # (n, r)
        scores = functional.linear(x, candidate_rows, bias[candidates] - log_probability).float()  # (n, k)
        total = scores.logsumexp(dim=1, keepdim=True)  # (n, 1)
        column = torch.full((len(bias),), -1, device=x.device)
        column[candidates] = torch.arange(k, device=x.device)
        own = column[drawn]  # (n, r): where a drawn word is a candidate itself; it is known exactly, not estimated once more
        part = (scores.gather(1, own.clamp(min=0)) - total).masked_fill(own < 0, -torch.inf)  # (n, r), its share of the sum
        others = total + torch.log1p(-part.exp().clamp(max=LARGEST))  # (n, r)
        return ((torch.logaddexp(true, others) - true) * given).sum() / given.sum().clamp(min=1)
