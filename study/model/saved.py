"""An encoder of this study in a folder of its own, and back again: nothing but the folder is needed to read with it.

``export_encoder`` writes four files:

- ``weights.safetensors``: float32 tensors by the names of ``study.model.transformer.Encoder``'s parameters; the rows of
  ``table.weight`` are the words in their order, then the unknown word, the mask and the boundary between sentences;
- ``words.json``: ``words``, the vocabulary, most frequent first, and ``counts``, how often each occurs in the training part;
- ``settings.json``: ``format`` and its number ``version``; ``anatomy``, the fields of ``study.model.transformer.Anatomy``;
  ``case``, ``fold`` where words are known in lower case or ``keep``; ``class``, ``settings`` and ``corpus``, how and on what it
  was trained, for a reader's information;
- ``history.json``: the learning curve, a list of objects with the fields of ``study.contracts.Moment``.

A sentence is read as ``boundary, words …, boundary``; a word is looked up after Unicode normalisation and, with ``fold``, in
lower case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from study.contracts import Array, Guesses, Observe, Sentence, StudyError
from study.corpus import EncodedCorpus, Vocabulary
from study.model.contextual import take_weights, write_weights
from study.model.encoder import Designed, Guesser
from study.model.guessing import silence
from study.model.history import read_history, write_history
from study.model.regimen import choose_fabric, judged_by
from study.model.sequences import Symbols
from study.model.transformer import Anatomy, Encoder
from study.store import digest_of_file, settings_of

FORMAT, VERSION = "embedding-study encoder", 1
FILES = ("weights.safetensors", "words.json", "settings.json")


def export_encoder(model: Designed, folder: Path) -> list[Path]:
    """Write a trained encoder in the format that this module describes.

    Parameters
    ----------
    model : Designed
        Trained or loaded.
    folder : Path
        Made if it is not there; files of these names in it are replaced.

    Returns
    -------
    list of Path
        The four files.

    Raises
    ------
    StudyError
        Where it reads sub-words: the format is for words.
    """
    if model.spelled is not None:
        raise StudyError(f"units={model.units}: only an encoder of words can be exported, train it with units=words.")
    vocabulary = model.vocabulary
    assert isinstance(vocabulary, Vocabulary)  # the only kind that corpora have
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(model.encoder, folder)
    words = {"words": list(vocabulary.words), "counts": vocabulary.counts.tolist()}
    (folder / "words.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
    settings = settings_of(model)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "anatomy": {f.name: getattr(model, f.name) for f in fields(Anatomy)},
        "case": vocabulary.case,
        "class": settings.pop("class"),
        "settings": settings,
        "corpus": {"name": model.corpus.name, "digest": model.corpus.digest},
    }
    (folder / "settings.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    write_history(folder, model.history)
    return [folder / name for name in (*FILES, "history.json")]


@dataclass(kw_only=True)
class Saved(Guesser):
    """An encoder that ``export_encoder`` wrote, asked for vectors; its vocabulary is its own, whatever the study's corpus.

    Only the ``averaged`` views read the corpus: the occurrences of words in its training part.

    Parameters
    ----------
    path : str
        The folder.
    occurrences, seed, device, threads
        As in ``study.model.contextual.Contextual``.
    """

    version: ClassVar[int] = 1

    path: str = field(metadata={"resource": True})

    objective: Mapping[str, float] = field(init=False, repr=False, compare=False)

    @property
    def asked(self) -> str:
        """What it was asked while it learned, as its settings tell once it is loaded; see ``study.model.regimen.judged_by``."""
        return judged_by(self.objective)

    @cached_property
    def folder(self) -> Path:
        """The folder of the encoder."""
        return Path(self.path).expanduser()

    def files(self) -> Mapping[str, Path]:
        """Return the files of the encoder; see ``study.contracts.HasFiles``."""
        found = {name: self.folder / name for name in FILES}
        missing = [name for name, path in found.items() if not path.is_file()]
        if missing:
            raise StudyError(f"path: expected a folder that export_encoder wrote, but {self.folder} has no {', '.join(missing)}.")
        return found

    def fit(self, corpus: EncodedCorpus, *, folder: Path, observe: Observe) -> Self:
        """Open the encoder; nothing is trained."""
        return self.load(folder, corpus)

    def save(self, folder: Path) -> None:
        """Write ``encoder.json``: the digests of the files that the encoder is opened from; they stay where they are."""
        digests = {name: digest_of_file(path) for name, path in self.files().items()}
        (folder / "encoder.json").write_text(json.dumps({"files": digests}, indent=2), encoding="utf-8")

    def load(self, folder: Path, corpus: EncodedCorpus) -> Self:
        """Open the encoder from its own files, which an artefact's name stands for.

        Raises
        ------
        StudyError
            Where a file is missing, or they are not what ``export_encoder`` writes.
        """
        files = self.files()
        settings = _object(files["settings.json"], "anatomy", "case")
        words = _object(files["words.json"], "words", "counts")
        if (settings.get("format"), settings.get("version")) != (FORMAT, VERSION):
            raise StudyError(
                f"{files['settings.json']}: expected format {FORMAT!r}, version {VERSION}, found {settings.get('format')!r}, "
                f"version {settings.get('version')!r}."
            )
        try:
            anatomy = Anatomy(**settings["anatomy"])
        except TypeError as error:
            names = ", ".join(f.name for f in fields(Anatomy))
            raise StudyError(f"{files['settings.json']}: anatomy: expected {names} ({error}).") from error
        anatomy.check_anatomy()
        self.vocabulary = Vocabulary(words["words"], np.array(words["counts"], np.int64), settings["case"])
        with torch.random.fork_rng():
            encoder = Encoder(anatomy, len(Symbols(len(self.vocabulary))), torch.ones(len(self.vocabulary)))
        take_weights(encoder, self.folder, "export it again")
        choose_fabric(self.device, "float32").to_device(encoder)
        self.encoder, self.corpus = encoder.eval(), corpus
        self.objective = settings.get("settings", {}).get("objective", {})
        self.history = read_history(self.folder) if (self.folder / "history.json").is_file() else []
        return self

    def guess(self, sentences: Sequence[Sentence], places: Array, best: int) -> Mapping[str, Guesses]:
        """Guess hidden words; see ``study.contracts.Predicts.guess``.

        An encoder of another vocabulary than the corpus's chooses among other words: its ranks and probabilities could not be
        compared with those of the models beside it, and nothing is known of its guesses.
        """
        if list(self.vocabulary.words) == list(self.corpus.vocabulary.words):
            return super().guess(sentences, places, best)
        return silence(places)

    def _training_words(self, start: int, stop: int) -> Array:
        types = self.corpus.types
        return self._identifiers([types[token] for token in self.corpus.tokens("training")[start:stop].tolist()])


def _object(path: Path, *keys: str) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StudyError(f"{path}: expected JSON ({error}).") from error
    if not isinstance(document, dict) or not set(keys) <= document.keys():
        raise StudyError(f"{path}: expected an object with {' and '.join(keys)}.")
    return document
