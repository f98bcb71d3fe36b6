"""A recurrent language model in both directions, as ELMo: one stack says the next word, one the previous word.

Letters
-------
b  sentences        d  width of a word's vector and of a state     l  layers
t  words            n  words asked for                             v  words of the vocabulary

A word's vector in a layer is the states of both directions side by side, each of which has read the word itself: (b, t, 2 d).
Both directions share the embedding table and the output. With ``context: sentence`` the states start anew at every sentence, with
``context: document`` they run on across the sentences of a document, as far as the sequence reaches.

References
----------
Peters et al. (2018), Deep contextualized word representations, doi:10.18653/v1/N18-1202 (there with characters, larger cells
that are projected, and a billion words).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from study.contracts import Array, Guesses, Observe, Sentence
from study.corpus import EncodedCorpus
from study.model.asking import Asked, Asking
from study.model.contextual import Built
from study.model.guessing import guesses, targets_of
from study.model.readout import Pieces, windows
from study.model.recurrence import BothWays, Recurrence, Words
from study.model.regimen import limited_threads
from study.model.sequences import Symbols, alike, apart


class LanguageModel(Words):
    """A table of words, a stack of recurrent layers in each direction, and an output that both share."""

    def __init__(self, parts: Recurrence, symbols: int, frequencies: Tensor) -> None:
        super().__init__(parts, symbols, frequencies)
        self.stacks = BothWays(parts)

    def forward(self, words: Tensor, lengths: Tensor | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Return the states of both directions, l of shape (b, t, d) each, of words (b, t); see ``BothWays``."""
        return self.stacks(self.embedded(words), lengths)

    def states(self, words: Tensor) -> list[Tensor]:
        """Return what is read out: the table's rows of words (b, t), (b, t, d), and each layer's states, (b, t, 2 d)."""
        ahead, back = self(words)
        return [self.table(words), *(torch.cat(both, dim=2) for both in zip(ahead, back, strict=True))]

    def guesses(self, words: Tensor, lengths: Tensor, places: Tensor) -> Tensor:
        """Return the vectors by which each direction scores the words at places that it has not read yet.

        Parameters
        ----------
        words : Tensor of shape (b, t), int64
        lengths : Tensor of shape (b,), int64
        places : Tensor of shape (n,), int64
            In the flattened sentences; none of them is a sentence's first or last.

        Returns
        -------
        Tensor of shape (2 n, d)
            From the words before, then from the words after.
        """
        ahead, back = (layers[-1].flatten(0, 1) for layers in self(words, lengths))  # (b t, d) each
        x = torch.cat([ahead.index_select(0, places - 1), back.index_select(0, places + 1)])  # (2 n, d)
        return functional.layer_norm(x, x.shape[-1:])


class LanguageModelling(Asking):
    """The training of a language model under way.

    Parameters
    ----------
    network : LanguageModel
    corpus : EncodedCorpus
    regimen : Recurrent
    """

    network: LanguageModel
    regimen: Recurrent

    def said(self, words: Array, segments: Array, random: np.random.Generator, share: float) -> tuple[Tensor, Tensor]:
        """Return the vectors that score a share of the known words, (2 n, d), and these words, (2 n,): once per direction."""
        symbols = self.training.symbols
        pieces, lengths = apart(words, segments, symbols)
        asked = (pieces < symbols.words) & (random.random(pieces.shape) < share)
        vectors, targets = [], []
        for group, longest in alike(lengths):
            arrays = (pieces[group, :longest], lengths[group], np.flatnonzero(asked[group, :longest]))
            read, ends, places = (torch.from_numpy(array).to(self.fabric.device) for array in arrays)  # (b, t), (b,), (n,)
            vectors.append(self.network.guesses(read, ends, places))
            targets.append(read.flatten()[places].repeat(2))
        return torch.cat(vectors), torch.cat(targets)


@dataclass(kw_only=True)
class Recurrent(Recurrence, Built, Asked):
    """A recurrent language model trained on a corpus.

    Its settings are those of ``Recurrence``, of ``Built`` and of ``Asked``; each direction is asked.

    In its learning curve the losses are nats per word and direction, and ``masked_accuracy`` is the share of the development
    words that a direction says right.
    """

    def check(self) -> None:
        """Raise StudyError where settings do not fit together."""
        super().check()
        self.check_regimen()

    def network(self, symbols: int, frequencies: Tensor) -> nn.Module:
        """Return a language model with random weights; see ``Built.network``."""
        return LanguageModel(self, symbols, frequencies)

    def guess(self, sentences: Sequence[Sentence], places: Array, best: int) -> Mapping[str, Guesses]:
        """Guess hidden words from the words ``before``, ``after``, and ``both``; see ``study.contracts.Predicts.guess``.

        ``both`` takes the words before and those after as independent of each other once the hidden word is known, so that
        p(word | before, after) is proportional to p(word | before) p(word | after) / p(word), the last its share of the training
        part. A sentence stands alone between two boundaries; a long one is cut to a window around the hidden word.
        """
        words = [self._identifiers(sentence) for sentence in sentences]
        with limited_threads(self.threads), torch.inference_mode():
            sides = beside(self.encoder, words, places)  # (2, n, d)
            table, bias = self.encoder.output()
            counts = np.maximum(self.vocabulary.counts, 1)
            prior = torch.from_numpy(np.log(counts / counts.sum())).to(bias)  # (v,)

            def scores(block: slice) -> Mapping[str, Tensor]:
                """Score a block of places from the words before, after, and both: (b, v) each."""
                logits = functional.linear(sides[:, block], table[: len(bias)], bias).float()  # (2, b, v)
                before, after = logits.log_softmax(dim=2)
                return {"before": before, "after": after, "both": before + after - prior}

            return guesses(scores, targets_of(words, places), self.vocabulary.words, best)

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Train on the training part within the budget, from the checkpoint in ``folder`` if there is one.

        Raises
        ------
        StudyError
            Where settings do not fit together, the training part is empty, or the loss is no longer finite.
        """
        self.check()
        with limited_threads(self.threads), torch.random.fork_rng():
            network = self._start(corpus)
            self._take(network, corpus)
            training = LanguageModelling(network, corpus, self)
            self.history, self.effort = training.run(folder, observe), training.effort()
        return self


def beside(network: LanguageModel, sentences: Sequence[Array], places: Array) -> Tensor:
    """Return the vectors by which each direction scores hidden words: from the words before, then from those after.

    Parameters
    ----------
    network : LanguageModel
    sentences : sequence of ndarray of shape (t,), int64
    places : ndarray of shape (n, 3), int64

    Returns
    -------
    Tensor of shape (2, n, d), float32
    """
    network.eval()
    table, n, nothing = network.table, len(places), np.zeros(0, np.int64)
    edge, room = [Symbols(network.words).boundary], network.length - 2
    pieces = Pieces(nothing, nothing, network.length, 2 * n)
    for row, (number, start, stop) in enumerate(places.tolist()):
        ((first, begin, _),) = windows(len(sentences[number]), start, stop, room)
        read = np.concatenate([edge, sentences[number][first : first + room], edge])
        hidden = begin - first + 1
        pieces.count_one(row, read, hidden - 1, hidden - 1, hidden)
        pieces.count_one(n + row, read, hidden + 1, hidden + 1, hidden + 2)
    widths = [table.embedding_dim] * 2
    ahead, back = pieces.means(lambda words: [layers[-1] for layers in network(words)], widths, table.weight.device)
    x = torch.from_numpy(np.stack([ahead[:n], back[n:]])).to(table.weight.device)
    return functional.layer_norm(x, x.shape[-1:])
