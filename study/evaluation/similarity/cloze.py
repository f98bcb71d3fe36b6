"""Cloze: guess the word that was hidden from a sentence, the one question that static and contextual models are both trained on.

The words are drawn from text that no model saw. Drawn evenly over running words they are what a reader meets: about half of
them are among the hundred most frequent, and "the" alone is every fifteenth or so. That is why the frequencies alone stand beside
the models as a baseline, and why frequent, middling and rare words are also scored apart.

References
----------
Taylor (1953), "Cloze procedure": a new tool for measuring readability, doi:10.1177/107769905303000401. Voorhees (1999), The
TREC-8 question answering track report (mean reciprocal rank).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, Guesses, NotAskableError, Part, Questions, Result, Sentence, StudyError
from study.evaluation.statistics.uncertainty import summarise

BANDS = ("frequent", "middle", "rare")
FEWEST = 20  # hidden words below which nothing is asked
GAP = "____"


@dataclass(frozen=True, kw_only=True)
class Cloze:
    """Guess hidden words of the corpus's test part.

    The main metric is the reciprocal rank: it lies in [0, 1], gives credit to a second and third guess, and looks at the order of
    a model's guesses alone, so that a model whose training does not calibrate its probabilities (negative sampling) is not
    punished for that. The log-probability is given beside it. Each word is hidden alone: a sentence may be asked about twice.

    Parameters
    ----------
    test, development : int
        Words hidden in the corpus's test and development parts, at most. The latter choose each model's way of guessing.
    shortest, longest : int
        Words of the sentences used.
    middle_from, rare_from : int
        Ranks by frequency in the training part, from 1, at which middling and rare words begin.
    even_bands : bool
        Hide as many frequent as middling and rare words; false: every running word has the same chance to be hidden.
    shown : int
        Sentences that are shown with each model's guesses: the first ones drawn, the same for all models.
    seed : int
        Of the drawing.
    description, source : str
        What is asked, and where the text comes from.
    """

    test: int
    development: int
    shortest: int
    longest: int
    middle_from: int
    rare_from: int
    even_bands: bool
    shown: int
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = "reciprocal_rank"
    main_question: ClassVar[str] = "word"
    version: ClassVar[int] = 2  # raised too when a model's way of guessing changes its meaning: no other name tells of that

    def questions(self, corpus: Corpus) -> Questions:
        """Draw the words to be hidden; only words of the vocabulary are.

        Raises
        ------
        NotAskableError
            Where a part of the corpus has fewer than 20 known words in sentences of the wanted length.
        StudyError
            Where the bands' ranks do not rise.
        """
        if not 1 <= self.middle_from <= self.rare_from:
            raise StudyError(f"middle_from={self.middle_from}, rare_from={self.rare_from}: expected rising ranks from 1")
        sentences: list[Sentence] = []
        rows: list[tuple[str, str, str, int]] = []
        places: list[tuple[int, int, int]] = []
        unknown = Counter[str]()
        parts: tuple[tuple[Part, int], ...] = (("test", self.test), ("development", self.development))
        for stream, (part, wanted) in enumerate(parts):
            drawn = list(self._draw(corpus, part, wanted, unknown, np.random.default_rng((self.seed, stream))))
            if len(drawn) < min(FEWEST, wanted):
                raise NotAskableError(
                    f"needs at least {FEWEST} known words in sentences of {self.shortest} to {self.longest} words of the "
                    f"corpus's {part} part, found {len(drawn)}"
                )
            for number, (document, words, at, word) in enumerate(drawn):
                rows.append((f"{part}-{number:05d}", f"{part} document {document}", part, word))
                places.append((len(sentences), at, at + 1))
                sentences.append(words)
        identifiers = np.array([word for *_, word in rows])
        items = pd.DataFrame([row for *row, _ in rows], columns=["item", "group", "split"]).assign(
            band=[BANDS[self._band(word)] for word in identifiers], **_frequencies(identifiers, corpus)
        )
        asked = items.loc[items["split"] == "test", "band"].value_counts()
        told = ", ".join(f"{asked.get(band, 0)} {band}" for band in BANDS)
        note = f"{len(corpus.vocabulary):,} words to choose from; hidden in test: {told}"
        return Questions("hidden", sentences, np.array(places, dtype=np.int64).reshape(-1, 3), items, dict(unknown), note)

    def _band(self, word: int) -> int:
        """Return the number of a word's band by its identifier, which is its rank from 0."""
        return int(word + 1 >= self.middle_from) + int(word + 1 >= self.rare_from)

    def _draw(
        self, corpus: Corpus, part: Part, wanted: int, unknown: Counter[str], rng: np.random.Generator
    ) -> Iterator[tuple[int, Sentence, int, int]]:
        """Yield document, sentence, place and word of known running words of distinct sentences, each with the same chance."""
        distinct: dict[str, tuple[int, Sentence]] = {}
        for document, words in corpus.sentences(part):
            if self.shortest <= len(words) <= self.longest:
                distinct.setdefault(" ".join(words).lower(), (document, words))
        candidates = list(distinct.values())
        starts = np.cumsum([0, *(len(words) for _, words in candidates)])
        room = np.full(len(BANDS), -(-wanted // len(BANDS)) if self.even_bands else wanted)
        left = wanted
        for running in rng.permutation(starts[-1]):
            if not left:
                return
            sentence = int(np.searchsorted(starts, running, side="right")) - 1
            document, words = candidates[sentence]
            at = int(running - starts[sentence])
            word = corpus.vocabulary.index(words[at])
            if word is None:
                unknown["drawn word outside the vocabulary"] += 1
                continue
            band = self._band(word)
            if room[band]:
                room[band] -= 1
                left -= 1
                yield document, words, at, word

    def score(self, questions: Questions, vectors: Mapping[str, Guesses]) -> Result:
        """Score each way of guessing: how often the first guess is right, the reciprocal rank and the log-probability."""
        asked = questions.items[["item", "group", "split", "gold"]]
        frames = []
        for view, guesses in vectors.items():
            known = guesses.rank > 0
            answers = asked.assign(
                view=view,
                question="word",
                predicted=[words[0] if words and sure else "" for words, sure in zip(guesses.best, known, strict=True)],
                gold_value=np.nan,
                predicted_value=np.divide(1.0, guesses.rank, out=np.full(len(known), np.nan), where=known),
                known=known,
            )
            by_band = answers.assign(question="word, " + questions.items["band"])
            probable = answers.assign(question="log-probability", predicted_value=guesses.log_probability)
            frames += [answers, by_band, probable]
        result = summarise(pd.concat(frames, ignore_index=True), _chances(int(questions.items["choices"].iloc[0])))
        return Result(result.scores, result.items, {"guesses": self._shown(questions, vectors)})

    def _shown(self, questions: Questions, vectors: Mapping[str, Guesses]) -> pd.DataFrame:
        """Return the first sentences with the best guesses, a row per way of guessing."""
        test = np.flatnonzero(questions.items["split"] == "test")[: self.shown]
        rows = []
        for view, guesses in vectors.items():
            for number in test:
                sentence, start, stop = questions.places[number]
                words = questions.sentences[sentence]
                rows.append(
                    {
                        "view": view,
                        "item": questions.items["item"].iloc[number],
                        "sentence": " ".join([*words[:start], GAP, *words[stop:]]),
                        "word": questions.items["gold"].iloc[number],
                        "rank": int(guesses.rank[number]),
                        "log_probability": float(guesses.log_probability[number]),
                        "guesses": " ".join(guesses.best[number]),
                    }
                )
        return pd.DataFrame(rows)

    def baselines(self, questions: Questions) -> Mapping[str, Result]:
        """Guess by how often words occur in the training part, whatever the sentence."""
        items = questions.items
        frequent: Sequence[Sequence[str]] = [words.split(" ") for words in items["most_frequent"]]
        guesses = Guesses(items["frequency"].to_numpy(float), items["frequency_rank"].to_numpy(np.int64), frequent)
        return {"word frequency": self.score(questions, {"baseline": guesses})}


def _frequencies(hidden: Array, corpus: Corpus) -> dict[str, Any]:
    """Return what the vocabulary says of hidden words, as columns.

    ``gold`` is the word, folded; ``frequency`` its log-probability by the counts of the training part, in nats;
    ``frequency_rank`` the number of words that occur as often or more often (a tie counts against the guess); ``most_frequent``
    the five most frequent words; ``choices`` the size of the vocabulary.
    """
    words, counts = corpus.vocabulary.words, np.asarray(corpus.vocabulary.counts)
    return {
        "gold": [words[word] for word in hidden],
        "frequency": np.log(counts[hidden] / counts.sum()),
        "frequency_rank": np.searchsorted(-counts, -counts[hidden], side="right"),
        "most_frequent": " ".join(words[:5]),
        "choices": len(words),
    }


def _chances(words: int) -> dict[tuple[str, str], float | None]:
    """Return what to score, with what guessing among equally probable words in random order is worth.

    Its expected reciprocal rank is (1 + 1/2 + … + 1/v) / v.
    """
    rank = float((1 / np.arange(1, words + 1)).mean())
    chances: dict[tuple[str, str], float | None] = {}
    for question in ("word", *(f"word, {band}" for band in BANDS)):
        chances |= {(question, "reciprocal_rank"): rank, (question, "accuracy"): 1 / words}
    return chances | {("log-probability", "log_probability"): -float(np.log(words))}
