"""The views of an encoder, layer by layer: what every encoder has in common when it is asked for vectors.

- ``input``: what its first block reads;
- ``layer-1`` … ``layer-L``: the words in their sentence; for a bare word, the one-word sentence ("out of context");
- ``averaged-1`` … ``averaged-L``, ``averaged``: type vectors, for bare words: the mean of a layer over some of the word's
  occurrences in the training part, and the mean of these over all layers.

References
----------
Bommasani, Davis & Cardie (2020), Interpreting pretrained contextualized representations via reductions to static embeddings,
doi:10.18653/v1/2020.acl-main.431 (``averaged``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from study.contracts import Array, Level, Sentence, StudyError
from study.model.regimen import check_threads, choose_fabric, limited_threads


class Layered(ABC):
    """An encoder whose layers are its views; its kinds say how many layers there are and how they are read.

    The layers are of one width, ``input`` of any.

    Attributes
    ----------
    occurrences : int
        Occurrences over which an ``averaged`` type vector is the mean, at most.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int or None
        Processor threads; None leaves torch's own choice.
    """

    occurrences: int
    device: str
    threads: int | None

    def check(self) -> None:
        """Raise StudyError where settings do not fit together."""
        if self.occurrences < 1:
            raise StudyError(f"occurrences must be at least 1, not {self.occurrences}.")
        check_threads(self.threads)

    @property
    @abstractmethod
    def layers(self) -> int:
        """Number of layers L."""

    @abstractmethod
    def _in_context(self, sentences: Sequence[Sentence], places: Array) -> list[Array]:
        """Return the vectors of places in their sentences, l + 1 ndarrays of shape (n, d), float32, ``input`` first."""

    @abstractmethod
    def _averaged(self, sentences: Sequence[Sentence], places: Array) -> list[Array]:
        """Return the vectors of bare words over their occurrences, l ndarrays of shape (n, d), float32, NaN elsewhere."""

    @property
    def reproducible(self) -> bool:
        """Whether making it again gives the same bits: on a processor, with the same number of threads."""
        return choose_fabric(self.device, "float32").device.type == "cpu"

    @property
    def resources(self) -> dict[str, str | int]:
        """The device and, of a processor, its threads."""
        device = choose_fabric(self.device, "float32").device.type
        return {"device": device, "threads": self.threads or torch.get_num_threads()}

    def views(self, level: Level) -> tuple[str, ...]:
        """Name the views that apply to a level."""
        if level == "vocabulary":
            return ()
        numbers = range(1, self.layers + 1)
        in_context = ("input", *(f"layer-{number}" for number in numbers))
        return (*in_context, *(f"averaged-{number}" for number in numbers), "averaged") if level == "word" else in_context

    def embed(self, sentences: Sequence[Sentence], places: Array, views: Sequence[str]) -> Mapping[str, Array]:
        """Compute the vectors of places; see ``study.contracts.Model.embed``."""
        vectors: dict[str, Array] = {}
        with limited_threads(self.threads):
            if any(not view.startswith("averaged") for view in views):
                states = self._in_context(sentences, places)  # l + 1 of (n, d)
                vectors |= dict(zip(self.views("target"), states, strict=True))
            if any(view.startswith("averaged") for view in views):
                states = self._averaged(sentences, places)  # l of (n, d)
                vectors |= {f"averaged-{number}": state for number, state in enumerate(states, start=1)}
                vectors["averaged"] = np.mean(states, axis=0)
        return {view: vectors[view] for view in views}
