"""Small models that say sentences again, and the language they are tried on: random words, so that everything has to pass."""

import numpy as np

from study.model.reconstruction import RecurrentReconstruction, TransformerReconstruction
from tests.model.small_corpus import SmallCorpus, Vocabulary
from tests.model.small_encoder import ANATOMY
from tests.model.small_recurrent import PARTS, SCHEDULE

WORDS = 12
LONGEST = 12


class RandomWords(SmallCorpus):
    """Sentences of one to twelve words, each drawn from twelve by itself."""

    def __init__(self, sentences=3000, seed=0):
        super().__init__(sentences, seed)
        counts = np.bincount(self.tokens("training"), minlength=WORDS)
        self.vocabulary = Vocabulary([f"w{number}" for number in range(WORDS)], counts)
        self.identifiers = np.arange(WORDS, dtype=np.int32)

    @staticmethod
    def _sentence(random):
        return random.integers(WORDS, size=random.integers(1, LONGEST + 1), dtype=np.int32)


CORPUS = RandomWords()
SETTINGS = SCHEDULE | {
    "masked": 0.0,
    "dropped": 0.0,
    "asked": 1.0,
    "measured_lengths": [4, 8, 12],
    "measured_sentences": 64,
    "batch": 512,
    "rate": 0.01,
}
RECURRENT = PARTS | {"depth": 1, "width": 32}
MODELS = {
    "rnn": RecurrentReconstruction(**RECURRENT, **SETTINGS, attention=False),
    "rnn with attention": RecurrentReconstruction(**RECURRENT, **SETTINGS, attention=True),
    "transformer": TransformerReconstruction(**ANATOMY | {"width": 32, "blocks": 1, "heads": 4, "length": 20}, **SETTINGS),
}
