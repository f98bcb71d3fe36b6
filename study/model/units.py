"""What an encoder reads: the words of the shared vocabulary, or sub-words that are pooled back to words.

Whatever it reads, it has vectors for the same words: those of the shared vocabulary. Other words are read as neighbours only: an
encoder of words reads the unknown symbol in their place, one of sub-words their sub-words. A word's vector is the mean over its
sub-words, in ``input``, in every layer and in the lexicon; a span's is the mean over its words.

Of sub-words, ``length``, ``batch`` and ``candidates`` count sub-words, for they say what a step costs. The budget and all that
is counted along it (``words``, ``epochs``, ``validate_every``, ``validation_words``, the words seen of a learning curve) count
running words, as for every model. Sub-words are learned before the training begins: its seconds, and a budget in minutes, do not
hold that time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from study.contracts import Lexicon, Sentence, StudyError
from study.corpus import EncodedCorpus
from study.model.contextual import Built
from study.model.inventory import KINDS, Inventory
from study.model.readout import Reading
from study.model.sequences import Stream, Symbols
from study.model.spelled import SpelledCorpus

WORDS = "words"


@dataclass(kw_only=True)
class Units(Built):
    """A network that reads words or sub-words.

    Parameters
    ----------
    units : str
        ``words``, or the sub-words of ``bpe`` or ``wordpiece``; see ``study.model.inventory``.
    subwords : int
        Sub-words of these two that are learned from the training part.
    """

    units: str
    subwords: int

    spelled: SpelledCorpus | None = field(init=False, repr=False, compare=False, default=None)

    def check(self) -> None:
        """Raise StudyError where settings do not fit together, or there are no such units."""
        super().check()
        if self.units not in (WORDS, *KINDS):
            raise StudyError(f"units must be one of {', '.join((WORDS, *KINDS))}, not {self.units!r}.")
        if self.subwords < 1:
            raise StudyError(f"subwords must be at least 1, not {self.subwords}.")

    def _learned_stream(self, corpus: EncodedCorpus) -> Stream:
        """Learn the units and return a corpus as a network that is to be trained reads it."""
        self.spelled = None if self.units == WORDS else SpelledCorpus.learned(corpus, self.units, self.subwords)
        return self._as_read(corpus)

    def _stream(self, folder: Path, corpus: EncodedCorpus) -> Stream:
        self.spelled = None if self.units == WORDS else SpelledCorpus(corpus, Inventory.read(folder))
        return self._as_read(corpus)

    def _as_read(self, corpus: EncodedCorpus) -> Stream:
        return corpus if self.spelled is None else self.spelled

    def save(self, folder: Path) -> None:
        """Write what ``Built.save`` writes and, of sub-words, ``tokenizer.json``; the table's rows are then theirs."""
        super().save(folder)
        if self.spelled is not None:
            self.spelled.inventory.write(folder)

    def lexicons(self) -> Mapping[str, Lexicon]:
        """Return the embedding table, of sub-words pooled to the words of the shared vocabulary."""
        if self.spelled is None:
            return super().lexicons()
        table = self.encoder.table.weight.detach().cpu().numpy()
        return {"input": Lexicon(self.vocabulary.words, self.spelled.pooled(table))}

    def _readings(self, sentences: Sequence[Sentence]) -> list[Reading]:
        return super()._readings(sentences) if self.spelled is None else self.spelled.readings(sentences)

    def _training_reading(self, start: int, stop: int) -> Reading:
        return super()._training_reading(start, stop) if self.spelled is None else self.spelled.training_reading(start, stop)

    def _symbols(self) -> Symbols:
        return super()._symbols() if self.spelled is None else self.spelled.symbols
