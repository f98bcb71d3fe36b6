"""Decoders: they say a sentence word by word, from what an encoder read of it and from the words said so far.

Letters
-------
b  sentences                         d  width of a word's vector and of a state
t  words that the encoder read       e  width of what the decoder may look at
u  words said so far                 l  layers
h  heads                             v  words of the vocabulary

Three ways for a sentence to pass from one to the other: as one vector, however long it is (a bottleneck); as all states of a
recurrent encoder, which the decoder weighs anew for every word; as all vectors of a Transformer, weighed in every block.

References
----------
Sutskever, Vinyals & Le (2014), Sequence to sequence learning with neural networks, arXiv:1409.3215 (one vector). Bahdanau, Cho &
Bengio (2015), Neural machine translation by jointly learning to align and translate, arXiv:1409.0473, and Luong, Pham & Manning
(2015), Effective approaches to attention-based neural machine translation, arXiv:1508.04025 (attention; here the "general" score
and the state after the word said last). Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762 (cross-attention).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from study.model.anatomy import Anatomy
from study.model.norm import norm
from study.model.position import Rotary
from study.model.recurrence import BothWays, Recurrence, Stack, Words
from study.model.transformer import Block, Encoder, initialise


@dataclass(frozen=True)
class Memory:
    """What an encoder hands over.

    Attributes
    ----------
    states : Tensor of shape (b, t, e)
    outside : Tensor of shape (b, 1, t), float32
        0 for a sentence's words, -inf for what follows them.
    vector : Tensor of shape (b, e)
        What passes without attention.
    """

    states: Tensor
    outside: Tensor
    vector: Tensor


class RecurrentReconstructor(Words):
    """A recurrent encoder in both directions and a recurrent decoder, with or without attention between them.

    Parameters
    ----------
    parts : Recurrence
        Of the encoder; the decoder has as many layers, in one direction.
    attention : bool
        Whether the decoder looks at all states of the encoder, or has nothing but one vector to start from.
    symbols, frequencies
        See ``Words``.
    """

    def __init__(self, parts: Recurrence, attention: bool, symbols: int, frequencies: Tensor) -> None:
        super().__init__(parts, symbols, frequencies)
        d = parts.width
        self.stacks = BothWays(parts)
        self.bridge = nn.Linear(2 * d, parts.depth * d)
        self.decoder = Stack(parts)
        self.ask = nn.Linear(d, 2 * d, bias=False) if attention else None
        self.say = nn.Linear(3 * d if attention else d, d)

    def states(self, words: Tensor) -> list[Tensor]:
        """Return what is read out: the table's rows of words (b, t), (b, t, d), and each layer's states, (b, t, 2 d)."""
        ahead, back = self.stacks(self.embedded(words))
        return [self.table(words), *(torch.cat(both, dim=2) for both in zip(ahead, back, strict=True))]

    def encode(self, words: Tensor, lengths: Tensor) -> Memory:
        """Read words (b, t), of which each sentence has so many, (b,)."""
        ahead, back = (layers[-1] for layers in self.stacks(self.embedded(words), lengths))  # (b, t, d) each
        ends = ahead[torch.arange(len(words), device=words.device), lengths - 1]  # (b, d)
        states = torch.cat([ahead, back], dim=2)  # (b, t, 2 d)
        return Memory(states, outside(words, lengths), torch.cat([ends, back[:, 0]], dim=1))

    def decode(self, memory: Memory, said: Tensor) -> Tensor:
        """Return the vectors, (b, u, d), that score the word after each word said so far, (b, u)."""
        x = self.after(memory, said)  # (b, u, d)
        if self.ask is not None:
            x = torch.cat([x, self.weights(self.ask(x), memory) @ memory.states], dim=2)  # (b, u, 3 d)
        x = self.say(x).tanh()  # (b, u, d)
        return functional.layer_norm(x, x.shape[-1:])

    def after(self, memory: Memory, said: Tensor) -> Tensor:
        """Return the decoder's last states, (b, u, d), after each word said so far, (b, u)."""
        start = self.bridge(memory.vector).tanh().chunk(len(self.decoder.layers), dim=1)  # l of (b, d)
        return self.decoder(self.embedded(said), start)[-1]

    def weights(self, queries: Tensor, memory: Memory) -> Tensor:
        """Return how much queries (b, u, 2 d) take from each state of the memory, (b, u, t); rows sum to 1."""
        products = queries @ memory.states.transpose(1, 2)  # (b, u, t)
        return (products + memory.outside.to(products.dtype)).softmax(dim=2)

    def looks(self, memory: Memory, said: Tensor) -> list[Tensor]:
        """Return where the decoder looks after each word said so far, (b, u): one (b, 1, u, t); without attention none."""
        return [] if self.ask is None else [self.weights(self.ask(self.after(memory, said)), memory)[:, None]]


class CrossAttention(nn.Module):
    """Attend from every word said to every word that the encoder read.

    With rotary positions queries and keys are turned by their place in their own sentence: the same place is a distance of 0.
    """

    def __init__(self, anatomy: Anatomy, turn: Rotary | None) -> None:
        super().__init__()
        d, inside = anatomy.width, anatomy.heads * anatomy.width_of_a_head
        self.heads, self.turn, self.scale = anatomy.heads, turn, anatomy.width_of_a_head**-0.5
        self.ask = nn.Linear(d, inside, bias=anatomy.biases)
        self.offer = nn.Linear(d, 2 * inside, bias=anatomy.biases)  # keys and values
        self.answer = nn.Linear(inside, d, bias=anatomy.biases)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """Return what words ``x`` of shape (b, u, d) gather from the memory, (b, u, d)."""
        weights, values = self.weights(x, memory)
        return self.answer((weights @ values).transpose(1, 2).flatten(2))  # (b, u, d)

    def weights(self, x: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Return how much words ``x`` take from each of the memory, (b, h, u, t), and its values, (b, h, t, d / h)."""
        queries = self.ask(x).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (b, h, u, d / h)
        offered = self.offer(memory.states).unflatten(2, (2, self.heads, -1))  # (b, t, 2, h, d / h)
        keys, values = offered.permute(2, 0, 3, 1, 4)  # (b, h, t, d / h) each
        if self.turn is not None:
            queries, keys = self.turn(queries), self.turn(keys)
        products = queries @ keys.transpose(2, 3) * self.scale  # (b, h, u, t)
        return (products + memory.outside[:, None].to(products.dtype)).softmax(dim=3), values


class DecoderBlock(Block):
    """A block of the encoder with cross-attention between its two parts."""

    def __init__(self, anatomy: Anatomy, turn: Rotary | None) -> None:
        super().__init__(anatomy, turn)
        self.cross_norm = norm(anatomy.norm, anatomy.width, bias=anatomy.biases, epsilon=anatomy.norm_epsilon)
        self.cross = CrossAttention(anatomy, turn)

    def say(self, x: Tensor, mask: Tensor | None, memory: Memory) -> Tensor:
        """Transform words ``x`` of shape (b, u, d)."""
        x = self.looked_back(x, mask)  # (b, u, d)
        return self.finished(self.joined(x, self.cross(self.asks(x), memory), self.cross_norm))

    def looked_back(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return words ``x`` of shape (b, u, d) with what they gather from each other."""
        return self.joined(x, self.attention(self.reads(x), mask), self.attention_norm)

    def asks(self, x: Tensor) -> Tensor:
        """Return what cross-attention reads of words ``x`` of shape (b, u, d)."""
        return self.cross_norm(x) if self.before else x

    def looks(self, x: Tensor, mask: Tensor | None, memory: Memory) -> Tensor:
        """Return where words ``x`` of shape (b, u, d) look in the memory, (b, h, u, t)."""
        return self.cross.weights(self.asks(self.looked_back(x, mask)), memory)[0]


class TransformerReconstructor(nn.Module):
    """The Transformer encoder, and as many decoder blocks that look backwards and, by cross-attention, at what it read.

    Parameters
    ----------
    anatomy : Anatomy
        Of encoder and decoder.
    symbols, frequencies
        See ``study.model.transformer.Encoder``.
    """

    def __init__(self, anatomy: Anatomy, symbols: int, frequencies: Tensor) -> None:
        super().__init__()
        self.encoder = Encoder(anatomy, symbols, frequencies)
        self.length = anatomy.length
        turn = Rotary(anatomy.length, anatomy.width_of_a_head) if anatomy.positions == "rotary" else None
        self.blocks = nn.ModuleList(DecoderBlock(anatomy, turn) for _ in range(anatomy.blocks))
        pre = anatomy.norm_place == "before"
        self.last_norm = (
            norm(anatomy.norm, anatomy.width, bias=anatomy.biases, epsilon=anatomy.norm_epsilon) if pre else nn.Identity()
        )
        self.blocks.apply(initialise)

    @property
    def table(self) -> nn.Embedding:
        """The table by which words enter encoder and decoder."""
        return self.encoder.table

    def states(self, words: Tensor) -> list[Tensor]:
        """Return what is read out: the encoder's states; see ``Encoder.states``."""
        return self.encoder.states(words)

    def output(self) -> tuple[Tensor, Tensor]:
        """Return table and bias that score every word; see ``Encoder.output``."""
        return self.encoder.output()

    def encode(self, words: Tensor, lengths: Tensor) -> Memory:
        """Read words (b, t), of which each sentence has so many, (b,)."""
        beyond = torch.arange(words.shape[1], device=words.device) >= lengths[:, None]  # (b, t)
        states = self.encoder(words, beyond.long())[-1]  # (b, t, d)
        return Memory(states, outside(words, lengths), states[:, 0])

    def decode(self, memory: Memory, said: Tensor) -> Tensor:
        """Return the vectors, (b, u, d), that score the word after each word said so far, (b, u)."""
        mask, x = self.encoder.mask(said, None, causal=True), self.encoder.embedded(said)  # (1, h or 1, u, u), (b, u, d)
        for block in self.blocks:
            assert isinstance(block, DecoderBlock)
            x = block.say(x, mask, memory)  # (b, u, d)
        return self.last_norm(x)

    def looks(self, memory: Memory, said: Tensor) -> list[Tensor]:
        """Return where each block looks in the memory after each word said so far, (b, u): l of (b, h, u, t)."""
        mask, x, found = self.encoder.mask(said, None, causal=True), self.encoder.embedded(said), []
        for block in self.blocks:
            assert isinstance(block, DecoderBlock)
            found.append(block.looks(x, mask, memory))
            x = block.say(x, mask, memory)
        return found


Reconstructor = RecurrentReconstructor | TransformerReconstructor


def outside(words: Tensor, lengths: Tensor) -> Tensor:
    """Return what is added to the products with words (b, t): 0 within each sentence's length, -inf after it, (b, 1, t)."""
    beyond = torch.arange(words.shape[1], device=words.device) >= lengths[:, None]  # (b, t)
    return torch.zeros(beyond.shape, device=words.device).masked_fill_(beyond, -torch.inf)[:, None]
