"""The parts of a Transformer encoder: which there are, and which fit together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

from torch import Tensor
from torch.nn import functional

from study.contracts import StudyError
from study.model.attention import KINDS, PROJECTIONS
from study.model.norm import NORMS
from study.model.position import POSITIONS

BENDS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "relu": functional.relu,
    "sigmoid": Tensor.sigmoid,
    "geglu": functional.gelu,
    "linear": lambda x: x,
}
"""What an MLP does to each number between widening and narrowing."""


@dataclass(kw_only=True)
class Anatomy:
    """The parts of an encoder.

    Attributes
    ----------
    width : int
        Width of a word's vector.
    blocks : int
    heads : int
        Attention heads of a block.
    head_width : int or None
        Width of a head; None: the width divided by the heads.
    projections : str
        Queries, keys and values from ``separate`` projections, from one that they share (``shared``), or the vectors
        themselves (``none``).
    scaling : bool
        Whether products of queries and keys are divided by the root of the head's width.
    attention : str
        ``softmax`` of the products, or ``uniform``: the mean over all words.
    mask : str
        ``full``: a word looks at all words of its segment; ``causal``: at itself and those before.
    positions : str
        ``rotary``, ``relative``, ``alibi``, ``sinusoidal``, ``learned`` or ``none``.
    expansion : float
        Width inside the MLP as a multiple of ``width``.
    activation : str
        ``gelu``, ``relu``, ``sigmoid``, ``geglu`` (a GELU gate on a second projection), ``linear``, or ``none``: no MLP at all.
    residual : bool
        Whether each part adds to the word's vector; without it each part replaces it.
    norm : str
        ``layer``, ``rms``, ``batch`` or ``none``.
    norm_place : str
        ``before`` each part, or ``after`` it (on the sum, as in BERT).
    norm_epsilon : float
        Added to the variance under the root.
    biases : bool
        Whether projections, MLP and layer norms have biases.
    dropout : float
        Share of numbers dropped after attention, MLP and embedding while training, in [0, 1).
    tied : bool
        Whether the output scores words with the embedding table itself.
    length : int
        Longest sequence, words, boundary symbols included.
    """

    width: int
    blocks: int
    heads: int
    head_width: int | None
    projections: str
    scaling: bool
    attention: str
    mask: str
    positions: str
    expansion: float
    activation: str
    residual: bool
    norm: str
    norm_place: str
    norm_epsilon: float
    biases: bool
    dropout: float
    tied: bool
    length: int

    def plain(self) -> Anatomy:
        """Return the anatomy by itself, of a model that is one: what is built by it need not hold the model too."""
        return Anatomy(**{part.name: getattr(self, part.name) for part in fields(Anatomy)})

    @property
    def width_of_a_head(self) -> int:
        """The width of a head, numbers."""
        return self.head_width or self.width // self.heads

    def check_anatomy(self) -> None:
        """Raise StudyError where the parts do not fit together."""
        choices = {"activation": (*BENDS, "none"), "positions": POSITIONS, "attention": KINDS, "projections": tuple(PROJECTIONS)}
        choices |= {"mask": ("full", "causal"), "norm": NORMS, "norm_place": ("before", "after")}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise StudyError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}.")
        for name, least in (("width", 1), ("blocks", 1), ("heads", 1), ("head_width", 1), ("length", 3)):
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise StudyError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        if self.activation != "none" and not 0.5 < self.expansion * self.width < math.inf:
            raise StudyError(f"expansion: at {self.expansion} the MLP has no width: set another, or activation=none.")
        if self.head_width is None and self.width % self.heads:
            raise StudyError(f"width must be a multiple of heads; {self.width} is not one of {self.heads}. Or set head_width.")
        if self.positions == "rotary" and self.width_of_a_head % 2:
            raise StudyError(
                f"positions=rotary turns pairs of numbers: head_width (or width through heads) must be even, not "
                f"{self.width_of_a_head}."
            )
        if self.positions == "sinusoidal" and self.width % 2:
            raise StudyError(f"positions=sinusoidal are pairs of numbers: width must be even, not {self.width}.")
        if self.attention == "uniform" and self.positions in ("relative", "alibi"):
            raise StudyError(
                f"positions={self.positions} are added to products of queries and keys, which attention=uniform does not have: "
                "take positions=sinusoidal, learned or none."
            )
        if self.projections == "none" and self.heads * self.width_of_a_head != self.width:
            raise StudyError("With projections=none the heads share out the width: leave head_width null.")
        if not self.norm_epsilon > 0:
            raise StudyError(f"norm_epsilon must be above 0, not {self.norm_epsilon}.")
        if not 0 <= self.dropout < 1:
            raise StudyError(f"dropout is a share in [0, 1), not {self.dropout}.")
