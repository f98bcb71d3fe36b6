"""Word2Vec by gensim: CBOW and Skip-gram on the corpus's own token file and vocabulary.

References
----------
Mikolov, Chen, Corrado & Dean (2013), Efficient Estimation of Word Representations in Vector Space, arXiv:1301.3781.
Mikolov, Sutskever, Chen, Corrado & Dean (2013), Distributed Representations of Words and Phrases, arXiv:1310.4546.
"""

from __future__ import annotations

import json
import time
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from study.contracts import Array, Guesses, Moment, Observe, Sentence, StudyError
from study.corpus import EncodedCorpus
from study.model.history import read_history, write_history
from study.model.moments import Moments, shards
from study.model.output import DotProducts, Output, Tree, log_kept, log_noise
from study.model.static import Static
from study.model.views import known_words

if TYPE_CHECKING:
    import gensim

REPRODUCIBLE_UP_TO = 5_000_000
"""Running words up to which one worker is used unless ``deterministic`` says otherwise."""


@dataclass(kw_only=True)
class Word2Vec(Static):
    """CBOW or Skip-gram with negative sampling or hierarchical softmax.

    Parameters
    ----------
    architecture : {"cbow", "skipgram"}
        Predict the word from its window, or each word of the window from the word.
    size : int
        Dimensions of a vector.
    window : int
        Words on each side, at most.
    shrink_windows : bool
        Draw each window's size from 1 … ``window`` (near words count more) instead of always taking it whole.
    negative : int
        Noise words per prediction; 0 leaves negative sampling out.
    negative_exponent : float
        Power of the unigram frequencies from which noise words are drawn.
    hierarchical_softmax : bool
        Predict along a Huffman tree instead of, or beside, negative sampling.
    context_mean : bool
        CBOW averages its window's vectors instead of summing them.
    subsample : float
        Relative frequency above which occurrences are dropped at random; 0 keeps all.
    epochs : int
        Passes over the training part.
    rate, final_rate : float
        Learning rate at the start and at the end; it falls linearly with the words seen.
    deterministic : bool or None
        Train with one worker, bit for bit the same each time; None: up to 5 million running words.
    context_words, context_smoothing : int, float
        The ``context`` view; see ``study.model.views``.
    checkpoint_seconds : float
        Time between checkpoints; they are written at the end of an epoch.
    workers : int
        Training threads where the training is not deterministic.
    """

    version: ClassVar[int] = 1

    architecture: Literal["cbow", "skipgram"]
    size: int
    window: int
    shrink_windows: bool
    negative: int
    negative_exponent: float
    hierarchical_softmax: bool
    context_mean: bool
    subsample: float
    epochs: int
    rate: float
    final_rate: float
    deterministic: bool | None
    context_words: int = field(metadata={"view": True})
    context_smoothing: float = field(metadata={"view": True})
    seed: int
    checkpoint_seconds: float = field(metadata={"resource": True})
    workers: int = field(metadata={"resource": True})

    output_vectors: Array = field(init=False, repr=False, metadata={"resource": True})
    moments: Sequence[int] = field(init=False, repr=False, default=(), metadata={"resource": True})

    @property
    def parameters(self) -> int:
        """Number of trained numbers: input and output vectors."""
        return int(self.vectors.size + self.output_vectors.size)

    @property
    def reproducible(self) -> bool:
        """Whether the finished training was done by one worker."""
        return self._one_worker(self.history[-1].total_words // max(1, self.epochs))

    @property
    def resources(self) -> dict[str, str | int]:
        """The processor, with one thread where the training is deterministic."""
        return {"device": "cpu", "threads": 1 if self.reproducible else self.workers}

    def _one_worker(self, words: int) -> bool:
        return words <= REPRODUCIBLE_UP_TO if self.deterministic is None else self.deterministic

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Train by epochs on the corpus's token file; resume after the last epoch, or shard, found in ``folder``.

        Where ``moments`` are asked for, the first epoch is trained in shards that end at them: gensim then draws windows,
        noise and what it leaves out anew in every shard, and reads the sentences in another order: the result is another one.
        """
        self.check()
        words, total = corpus.training_text_words, self.epochs * corpus.training_text_words
        model = self._untrained(corpus, workers=1 if self._one_worker(words) else self.workers)
        history = _resume(model, folder)
        begun = history[-1] if history else Moment(0, total, 0.0)
        moments = Moments(self.moments, folder, total=total, seen=begun.words_seen if history else None)
        pieces = self._pieces(corpus, folder)[len(history) :]
        if moments.due(begun.words_seen):
            moments.keep(begun.words_seen, replace(self)._take(model, corpus, [begun]).save)
        start = saved = time.perf_counter()
        for text, number in pieces:
            seen = history[-1].words_seen if history else 0
            model.train(
                corpus_file=str(text),
                total_words=number,
                epochs=1,
                start_alpha=self._rate_at(seen / words),
                end_alpha=self._rate_at((seen + number) / words),
                report_delay=1e9,
            )
            now = time.perf_counter()
            history.append(Moment(seen + number, total, begun.seconds + now - start))
            if moments.due(seen + number):
                moments.keep(seen + number, replace(self)._take(model, corpus, history).save)
                start += time.perf_counter() - now  # keeping takes no part in the time of training
            if now - saved > self.checkpoint_seconds:
                _write_checkpoint(model, history, folder)
                saved = now
            observe(history[-1])
        self._take(model, corpus, history)
        self._check_finite()
        return self

    def _pieces(self, corpus: EncodedCorpus, folder: Path) -> list[tuple[Path, int]]:
        """Return the files to be read in turn, and their words: the token file once per epoch, the first time in shards."""
        epoch = (corpus.training_text, corpus.training_text_words)
        if not self.moments:
            return [epoch] * self.epochs
        ends = [words for words in self.moments if 0 < words < corpus.training_text_words]
        return shards(corpus.training_text, folder / "shards", ends, self.seed) + [epoch] * (self.epochs - 1)

    def _take(self, model: gensim.models.Word2Vec, corpus: EncodedCorpus, history: list[Moment]) -> Self:
        """Have the vectors that gensim's model has now."""
        self.vocabulary, self.history = corpus.vocabulary, history
        self.vectors, self.output_vectors = model.wv.vectors, _output_vectors(model)
        return self

    def check(self) -> None:
        """Raise StudyError where settings do not fit together."""
        if self.architecture not in ("cbow", "skipgram"):
            raise StudyError(f"architecture must be cbow or skipgram, not {self.architecture!r}.")
        if self.negative <= 0 and not self.hierarchical_softmax:
            raise StudyError("Word2Vec needs negative > 0 or hierarchical_softmax=true: with neither there is nothing to learn.")
        for name in ("size", "window", "epochs", "workers"):
            if getattr(self, name) < 1:
                raise StudyError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if not 0 < self.final_rate <= self.rate:
            raise StudyError(f"The rate falls from rate to final_rate > 0; {self.rate} to {self.final_rate} does not.")

    def _check_finite(self) -> None:
        if not np.isfinite(self.vectors).all():
            raise StudyError(f"Word2Vec's vectors are no longer finite: a rate of {self.rate} is too high for this corpus.")

    def _rate_at(self, epoch: float) -> float:
        """Return the learning rate after so many epochs, whole ones and shares of one."""
        return self.rate - (self.rate - self.final_rate) * epoch / self.epochs

    def _untrained(self, corpus: EncodedCorpus, *, workers: int) -> gensim.models.Word2Vec:
        """Return gensim's model with our vocabulary, in our order."""
        model = self._gensim_model(
            sg=int(self.architecture == "skipgram"),
            vector_size=self.size,
            window=self.window,
            shrink_windows=self.shrink_windows,
            negative=self.negative,
            ns_exponent=self.negative_exponent,
            hs=int(self.hierarchical_softmax),
            cbow_mean=int(self.context_mean),
            sample=self.subsample,
            alpha=self.rate,
            min_alpha=self.final_rate,
            seed=self.seed,
            workers=workers,
            min_count=1,
            sorted_vocab=0,
        )
        counts = {word: int(count) for word, count in zip(corpus.vocabulary.words, corpus.vocabulary.counts, strict=True)}
        model.build_vocab_from_freq(counts, corpus_count=len(corpus.sentence_offsets("training")) - 1)
        return model

    def guess(self, sentences: Sequence[Sentence], places: Array, best: int) -> Mapping[str, Guesses]:
        """Guess hidden words; see ``study.contracts.Predicts.guess``, and ``study.model.output`` for the ways of guessing."""
        counts = np.maximum(self.vocabulary.counts, 1)
        noise = log_noise(counts, self.negative_exponent) if self.negative else 0.0
        output = Output(
            vectors=self.vectors,
            evidence=DotProducts(self.output_vectors) if self.negative else Tree.of(self.output_vectors, self.vocabulary),
            skipgram=self.architecture == "skipgram",
            mean=self.context_mean,
            window=self.window,
            offset=(noise - log_kept(counts, self.subsample)).astype(np.float32),
            prior=np.log(counts / counts.sum()).astype(np.float32),
        )
        words = [known_words(self.vocabulary, sentence) for sentence in sentences]
        return output.guess(words, places, self.vocabulary.words, best)

    def _gensim_model(self, **settings: Any) -> gensim.models.Word2Vec:
        """Return gensim's model without a vocabulary."""
        import gensim

        return gensim.models.Word2Vec(**settings)

    def save(self, folder: Path) -> None:
        """Write ``vectors.npy`` and ``output_vectors.npy`` (float32, rows in the vocabulary's order) and ``history.json``."""
        super().save(folder)
        np.save(folder / "output_vectors.npy", self.output_vectors, allow_pickle=False)
        write_history(folder, self.history)

    def load(self, folder: Path, corpus: EncodedCorpus) -> Self:
        """Read what ``save`` wrote, memory-mapped."""
        super().load(folder, corpus)
        self.history = read_history(folder)
        self.output_vectors = np.load(folder / "output_vectors.npy", mmap_mode="r", allow_pickle=False)
        return self


def _output_vectors(model: Any) -> Array:
    """Return the vectors of predicted words (negative sampling), or of the inner nodes of the Huffman tree."""
    return model.syn1neg if model.negative else model.syn1


def _weights(model: Any) -> dict[str, Array]:
    """Return the arrays that training changes; fastText has those of whole words and of n-grams beside the composed vectors."""
    owners = ((model.wv, ("vectors", "vectors_vocab", "vectors_ngrams")), (model, ("syn1", "syn1neg")))
    return {name: getattr(owner, name) for owner, names in owners for name in names if hasattr(owner, name)}


def _write_checkpoint(model: Any, history: list[Moment], folder: Path) -> None:
    """Write weights and random state in one step: the archive appears whole or not at all."""
    name, keys, position, has_gauss, cached = model.random.get_state()
    state = {"random": [name, keys.tolist(), position, has_gauss, cached], "history": [vars(moment) for moment in history]}
    partial = folder / "checkpoint.partial.npz"
    np.savez(partial, allow_pickle=False, state=np.array(json.dumps(state)), **_weights(model))
    partial.replace(folder / "checkpoint.npz")


def _resume(model: Any, folder: Path) -> list[Moment]:
    """Put the last checkpoint's weights and random state into the model and return the moments so far."""
    path = folder / "checkpoint.npz"
    if not path.exists():
        return []
    try:
        with np.load(path, allow_pickle=False) as archive:
            state = json.loads(str(archive["state"]))
            weights = {name: archive[name] for name in _weights(model)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        warnings.warn(f"The checkpoint {path} cannot be read ({error}): training starts afresh.", stacklevel=2)
        path.unlink()
        return []
    for name, array in _weights(model).items():
        array[:] = weights[name]
    name, keys, *rest = state["random"]
    model.random.set_state((name, np.array(keys, np.uint32), *rest))
    return [Moment(**moment) for moment in state["history"]]
