"""Senses by the distance of the telling word: how far away it may stand, among neutral words, and still be noticed.

Sentences are made for the question. Each is a frame of filler words with an ambiguous *target* in its middle and exactly one
telling word, the *cue*, at a known distance before or after it. What is controlled:

- *the words*: at every distance, on both sides, for every cue of every sense, a frame is the same fillers in the same order and
  sentences have one length; the only thing that changes with the distance is where the cue stands. So a view that gathers
  words without regard to their order gives the same vector at every distance, until the cue leaves what it gathers.
- *the fillers*: each frame is asked with the cues of all senses alike, so that fillers cannot tell the sense, whatever they mean:
  an answer that rests on them is right exactly as often as guessing.
- *the cue itself*: a sense is learnt from sentences with its other cues. Recognising a word again does not help; that the new cue
  resembles the others has to be known from the training text. ``cue alone`` (cue and target, no fillers) shows how well it is
  known before any distance or filler takes from it.

What is not: fillers are strings of neutral phrases, not the prose that a model was trained on, and the target stands among them
without a part in their grammar; a model may do better where grammar leads from the cue to the target. The senses are those that
the author saw, and their cues are frequent words that could be said of other things too. ``window`` asks of whole sentences.

Every distance and side is an experiment of its own, taught and asked there: in each fold one cue of each sense is left out, and
the sentences that hold it get the sense of the nearest centroid, by the cosine of their differences from the mean of what was
taught. (Vectors of one word among the same fillers have nearly everything in common; what differs is what counts.)
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from study.contracts import Array, Corpus, NotAskableError, Questions, Result, StudyError
from study.evaluation.data import table
from study.evaluation.polysemy.cues import AmbiguousWord, known_cues, read_cues
from study.evaluation.polysemy.distances import METRIC, summarise_by_distance
from study.evaluation.polysemy.senses import TIE, unit

ALONE = "cue alone"
SIDES = ("before", "after")


@dataclass(frozen=True, kw_only=True)
class TellingWord:
    """Tell the senses of a word apart by one telling word at growing distance, on either side, among neutral fillers.

    The question ``distance`` pools all distances, ``distance: 5`` is the fifth word before and after the target. Scores are the
    mean over words of the share of sentences given the right sense; an interval draws words, and within them cues.

    Parameters
    ----------
    data : str
        Columns ``word, split, sense, cues``: a line per sense, its telling words separated by spaces.
    distances : sequence of int
        Words from the target to the cue, 1 being its neighbour. Twice the largest and one are the words of a sentence.
    frames : int
        Strings of fillers of each word.
    fillers : sequence of str
        Neutral phrases, of which frames are made in random order.
    article : str
        The filler that always stands directly before the target, unless the cue does.
    cues : int
        Telling words of each sense, at most; each word has equally many of all its senses.
    cue_count : int
        Occurrences in the training part that a telling word needs.
    seed : int
        Of the frames and of the folds.
    description, source : str
        What is asked, and where the data come from under which licence.
    """

    data: str = field(metadata={"resource": True})
    distances: Sequence[int]
    frames: int
    fillers: Sequence[str]
    article: str
    cues: int
    cue_count: int
    seed: int
    description: str = field(metadata={"resource": True})
    source: str = field(metadata={"resource": True})

    main_metric: ClassVar[str] = METRIC
    main_question: ClassVar[str] = "distance"
    version: ClassVar[int] = 1

    def questions(self, corpus: Corpus) -> Questions:
        """Make the sentences of all words that the corpus knows well enough.

        Raises
        ------
        StudyError
            For a setting that cannot be, a bad line, or a filler that is a cue or a target.
        NotAskableError
            Where no word of each split is left in this corpus.
        """
        self._check()
        path = table.locate(self.data, self.source)
        written = read_cues(path)
        self._check_fillers(written, corpus)
        words, dropped = known_cues(written, corpus, most=self.cues, count=self.cue_count)
        if {word.split for word in words} != {"development", "test"}:
            raise NotAskableError(f"the corpus knows too few of the telling words of {path.name}: {dict(dropped)}")
        sentences: list[Sequence[str]] = []
        rows: list[tuple[object, ...]] = []
        for word in words:
            frames = self._frames(word.word)
            for distance, side, sense, cue, number in self._asked(word):
                made, place = (
                    sentence(word.word, cue, distance, side, frames[number]) if distance else alone(word.word, cue, side)
                )
                name = f"{word.word}-{cue}/{distance:02d}-{side}-{number}"
                rows.append((name, word.word, word.split, sense, cue, distance, side, place))
                sentences.append(made)
        items = pd.DataFrame(rows, columns=["item", "group", "split", "gold", "cue", "distance", "side", "at"])
        items["place"] = np.arange(len(items))
        places = np.column_stack([items["place"], items["at"], items["at"] + 1]).astype(np.int64)
        counted = Counter(word.split for word in words)
        note = f"{counted['test']} words in test, {counted['development']} in development, {len(sentences[-1])} words a sentence"
        return Questions("target", sentences, places, items.drop(columns="at"), dropped, note)

    def _check(self) -> None:
        words = sum(len(phrase.split()) for phrase in self.fillers)
        if not self.distances or min(self.distances) < 1 or self.frames < 1 or self.cues < 2:
            raise StudyError(
                f"distances={list(self.distances)}, frames={self.frames}, cues={self.cues}: expected distances from 1, "
                "one frame and two cues at least"
            )
        if words < 2 * max(self.distances) - 2:
            raise StudyError(
                f"fillers: expected phrases of {2 * max(self.distances) - 2} words together for a distance of "
                f"{max(self.distances)}, found {words} words; add phrases or shorten the distances"
            )

    def _check_fillers(self, words: Sequence[AmbiguousWord], corpus: Corpus) -> None:
        fold = corpus.vocabulary.fold
        telling = {fold(one) for word in words for one in (word.word, *(cue for cues in word.cues.values() for cue in cues))}
        found = sorted({one for phrase in (*self.fillers, self.article) for one in phrase.split() if fold(one) in telling})
        if found:
            raise StudyError(f"fillers: {', '.join(found)} is a target or a telling word; a sentence holds one telling word only")

    def _asked(self, word: AmbiguousWord) -> Iterator[tuple[int, str, str, str, int]]:
        """Yield distance (0: no fillers), side, sense, cue and frame, in the order that ``score`` relies on."""
        for distance in (0, *self.distances):
            for side in SIDES:
                for sense, cues in word.cues.items():
                    for cue in cues:
                        for number in range(self.frames if distance else 1):
                            yield distance, side, sense, cue, number

    def _frames(self, word: str) -> list[tuple[list[str], list[str], str]]:
        """Return frames: the fillers before the target, those after it, and one to spare for the side without the cue."""
        reach = max(self.distances)
        rng = np.random.default_rng((self.seed, zlib.crc32(word.encode())))
        frames = []
        for _ in range(self.frames):
            running = [one for number in rng.permutation(len(self.fillers)) for one in self.fillers[number].split()]
            before = [*running[: reach - 2], self.article] if reach > 1 else []
            frames.append((before, running[reach - 1 : 2 * reach - 2], running[reach - 2] if reach > 1 else self.article))
        return frames

    def score(self, questions: Questions, vectors: Mapping[str, Array]) -> Result:
        """Score every view at every distance, and with the cue alone."""
        frames = [self._answers(questions, array).assign(view=view) for view, array in vectors.items()]
        return summarise_by_distance(pd.concat(frames, ignore_index=True), "distance", self.distances, ALONE)

    def _answers(self, questions: Questions, array: Array) -> pd.DataFrame:
        """Return a row per sentence with the sense it was given; none where its word lacks a vector at that distance and side."""
        items = questions.items
        given = np.full(len(items), "", dtype=object)
        for number, (_, word) in enumerate(items.groupby("group", sort=True)):
            senses, cues = np.array(list(dict.fromkeys(word["gold"])), dtype=object), word["cue"].nunique()
            rng = np.random.default_rng((self.seed, number))
            folds = np.stack([rng.permutation(cues // len(senses)) for _ in senses])
            for rows in word.groupby(["distance", "side"]).indices.values():
                rows = word.index.to_numpy()[rows]
                block = array[items["place"].to_numpy()[rows]].astype(np.float64)
                if np.isfinite(block).all():
                    given[rows] = senses[told_by_others(block.reshape(*folds.shape, -1, array.shape[1]), folds).ravel()]
        question = np.where(items["distance"] > 0, "distance: " + items["distance"].astype(str), ALONE)
        return items[["item", "group", "split", "gold"]].assign(
            question=question, predicted=given, known=given != "", gold_value=np.nan, predicted_value=np.nan
        )


def sentence(
    target: str, cue: str, distance: int, side: str, frame: tuple[Sequence[str], Sequence[str], str]
) -> tuple[list[str], int]:
    """Put a cue into a frame, so many words before or after the target.

    Parameters
    ----------
    target, cue : str
    distance : int
        From 1 to the reach of the frame, which has one filler less than that on each side.
    side : {"before", "after"}
    frame : (sequence of str, sequence of str, str)
        Fillers before the target, fillers after it, and the one that stands at the outer end of the side without the cue.

    Returns
    -------
    words : list of str
    place : int
        Where the target stands: in the middle.
    """
    before, after, spare = frame
    if side == "before":
        cut = len(before) + 1 - distance
        return [*before[:cut], cue, *before[cut:], target, *after, spare], len(before) + 1
    return [spare, *before, target, *after[: distance - 1], cue, *after[distance - 1 :]], len(before) + 1


def alone(target: str, cue: str, side: str) -> tuple[list[str], int]:
    """Return cue and target without fillers, and where the target stands."""
    return ([cue, target], 1) if side == "before" else ([target, cue], 0)


def told_by_others(vectors: Array, folds: Array) -> Array:
    """Give every sentence a sense by the nearest centroid of the sentences with other cues.

    Differences shorter than 1e-6 of the mean vector's length are rounding and count as none; similarities within 1e-6 are ties,
    which go to the first sense. All senses have equally many sentences, so vectors that do not differ by their cue score exactly
    one over the number of senses.

    Parameters
    ----------
    vectors : ndarray of shape (k, c, m, d), float64
        Senses, their cues, sentences with each cue.
    folds : ndarray of shape (k, c), int64
        For each sense its cues in the order in which they are left out, one of each sense at a time.

    Returns
    -------
    ndarray of shape (k, c, m), int64
    """
    k, c, m, _ = vectors.shape
    senses = np.arange(k)[:, None]
    sums = vectors.sum(2)  # (k, c, d)
    centroids = (sums.sum(1, keepdims=True) - sums[senses, folds]) / ((c - 1) * m)  # (k, fold, d): without the cue left out
    middle = centroids.mean(0)  # (fold, d)
    asked = vectors[senses, folds] - middle[:, None]  # (k, fold, m, d)
    rounding = TIE * np.linalg.norm(middle, axis=-1)
    away, apart = _direction(asked, rounding[:, None]), _direction(centroids - middle, rounding)
    similarity = np.einsum("kfmd,sfd->kfms", away, apart)
    tied = similarity >= similarity.max(-1, keepdims=True) - TIE
    given = np.empty((k, c, m), dtype=np.int64)
    given[senses, folds] = tied.argmax(-1)
    return given


def _direction(differences: Array, rounding: Array) -> Array:
    """Scale to length one what is longer than rounding, and the rest to nothing."""
    length = np.linalg.norm(differences, axis=-1)
    return np.where((length > rounding)[..., None], unit(differences), 0.0)
