"""fastText by gensim: Word2Vec in which a word's vector is the mean of one of its own and those of its n-grams of characters.

Words of equal parts ("bank", "banks", "banker") share what they learn, so that rare ones learn from frequent ones. It could give
unknown words a vector too, of their n-grams alone; here it does not: the shared vocabulary decides which words a model knows.

References
----------
Bojanowski, Grave, Joulin & Mikolov (2017), Enriching Word Vectors with Subword Information, doi:10.1162/tacl_a_00051.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from study.contracts import StudyError
from study.model.word2vec import Word2Vec

if TYPE_CHECKING:
    import gensim


@dataclass(kw_only=True)
class FastText(Word2Vec):
    """CBOW or Skip-gram over words and their n-grams of characters.

    The vectors that are saved are the composed ones of whole words; those of the n-grams end with the training.

    Parameters
    ----------
    min_n, max_n : int
        Characters of an n-gram, ``<`` and ``>`` at the ends of the word among them.
    bucket : int
        Vectors that the n-grams share: each is hashed to one of them.
    **settings
        As ``study.model.Word2Vec``'s.
    """

    version: ClassVar[int] = 1

    min_n: int
    max_n: int
    bucket: int

    @property
    def parameters(self) -> int:
        """Number of trained numbers: vectors of words and of n-grams (buckets without any too), and output vectors."""
        return super().parameters + self.bucket * self.size

    def check(self) -> None:
        """Raise StudyError where settings do not fit together."""
        super().check()
        if not 1 <= self.min_n <= self.max_n:
            raise StudyError(
                f"n-grams of {self.min_n} to {self.max_n} characters: expected 1 <= min_n <= max_n. Word2Vec has none at all."
            )
        if self.bucket < 1:
            raise StudyError(f"bucket must be at least 1, not {self.bucket}.")

    def _gensim_model(self, **settings: Any) -> gensim.models.FastText:
        import gensim

        return gensim.models.FastText(min_n=self.min_n, max_n=self.max_n, bucket=self.bucket, **settings)
