"""Training the models of a study, each once per seed, and computing their vectors of all places that tasks ask about."""

from __future__ import annotations

import dataclasses
import shutil
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from study.contracts import Grows, HasFiles, Model, Moment, StartsFrom, StudyError
from study.corpus import EncodedCorpus
from study.ledger import Ledger
from study.model import NotFiniteError, moments, places
from study.progress import bar
from study.results import Trained
from study.store import BESIDE, Artefact, Store, digest_of_file, settings_of


@dataclass(frozen=True, kw_only=True)
class Training:
    """What all trainings of a study share.

    Attributes
    ----------
    corpus : EncodedCorpus
    joined : Places
        The places that the tasks ask about.
    seeds : int
        Trainings of each model.
    numbers : str
        ``float32`` or ``float16``: how vectors are kept on disk.
    store : Store
    ledger : Ledger
    moments : sequence of int
        Words seen, in rising order from 0, after which models are kept while they learn; none where it is empty.
    failed : dict of str to str
        The models without a result, filled as they fail, and why: their loss was no longer finite.
    broken_off : dict of (str, int) to sequence of Moment
        The learning curves of those that failed themselves, by name and seed.
    """

    corpus: EncodedCorpus
    joined: places.Places
    seeds: int
    numbers: str
    store: Store
    ledger: Ledger
    moments: Sequence[int] = ()
    failed: dict[str, str] = field(init=False, default_factory=dict)
    broken_off: dict[tuple[str, int], Sequence[Moment]] = field(init=False, default_factory=dict)

    def all(self, models: Mapping[str, Model]) -> list[Trained]:
        """Train every model with every seed, one that starts from another after that one; return them in the study's order.

        A model that fails with one seed is left out with all of them, and so are those that start from it.

        Raises
        ------
        StudyError
            As ``check_models`` says; where all models fail.
        """
        check_models(models)
        done: dict[tuple[str, int], Trained] = {}

        def made(name: str, number: int) -> Trained:
            """Return a trained model, made before or now, after the one that it starts from."""
            if name in self.failed:
                raise NotFiniteError(f"{name} failed: {self.failed[name]}")
            if (name, number) not in done:
                model, start = models[name], _start(models[name])
                try:
                    first = None if start is None else made(start, number)
                    done[name, number] = self.one(name, model, number, first)
                except NotFiniteError as failure:
                    self.failed[name] = str(failure)
                    if failure.history:
                        self.broken_off[name, model.seed + number] = failure.history
                    where = "" if failure.checkpoint is None else f" It is {failure.checkpoint}."
                    warnings.warn(f"{name} failed and is left out: {failure}{where}", stacklevel=2)
                    raise NotFiniteError(f"{name} failed: {failure}") from failure
            return done[name, number]

        for name in models:
            with suppress(NotFiniteError):
                for number in range(self.seeds):
                    made(name, number)
        if len(self.failed) == len(models):
            raise StudyError(" ".join(f"{name}: {message}" for name, message in self.failed.items()))
        kept = [name for name in models if name not in self.failed]
        return [done[name, number] for name in kept for number in range(self.seeds)]

    def one(self, name: str, settings: Model, number: int, first: Trained | None) -> Trained:
        """Train one model with one seed, from the vectors of ``first`` if given, and compute its vectors of all places."""
        model = dataclasses.replace(settings, seed=settings.seed + number)  # type: ignore[type-var]
        label = name if self.seeds == 1 else f"{name}, seed {model.seed}"
        inputs = {"corpus": self.corpus.digest}
        if isinstance(model, HasFiles):
            inputs |= {file: digest_of_file(path) for file, path in model.files().items()}
        if first is not None:
            inputs["start"] = first.artefact.digest
            self._hand_over(first, model, name)

        trained = settings_of(model, without=("resource", "view"))
        if self.moments and isinstance(model, Grows):
            # Part of the name, for a model that was trained without being seen holds none of its moments. What an encoder
            # becomes is the same either way, and so is the digest that names what is made of it.
            model.moments = trained["moments"] = list(self.moments)

        def fit(folder: Path) -> None:
            """Train the model and save it in a folder."""
            checkpoints = folder / "checkpoints"
            checkpoints.mkdir(exist_ok=True)
            with bar(f"training {label}") as observe:
                model.fit(self.corpus, folder=checkpoints, observe=observe).save(folder)
            if (checkpoints / BESIDE).is_dir():
                shutil.copytree(checkpoints / BESIDE, folder / BESIDE, dirs_exist_ok=True)
            shutil.rmtree(checkpoints)

        artefact = self.store.artefact("model", trained, inputs, fit, resume=True)
        model.load(artefact.folder, self.corpus)
        # A resumed training counts the time before its interruption too, which only its own curve knows.
        seconds = model.history[-1].seconds if model.history else artefact.seconds
        self.ledger.rows.append({"stage": f"train {label}", "seconds": round(seconds, 3), "reused": artefact.reused})
        vectors = self._embedded(label, model, artefact, self.joined)
        return Trained(name, model, artefact, self.ledger.enter(f"embed {label}", vectors), first)

    def _embedded(self, label: str, model: Model, artefact: Artefact, joined: places.Places) -> Artefact:
        """Return the vectors of places by a model that was read from an artefact."""

        def embed(folder: Path) -> None:
            """Write the vectors of all places into a folder."""
            with bar(f"embedding with {label}", " sentences") as observe:
                places.embed(model, joined, folder, observe, self.numbers)

        inputs = {"model": artefact.digest, "corpus": self.corpus.digest, "places": joined.digest}
        return self.store.artefact("vectors", {"model": model, "numbers": self.numbers}, inputs, embed)

    def grown(self, one: Trained, joined: places.Places) -> list[Trained]:
        """Return what a trained model was at each of its moments, fewest words first, with its vectors of some places."""
        found = []
        for kept in moments.kept(one.artefact.folder):
            model = dataclasses.replace(one.model).load(kept, self.corpus)  # type: ignore[type-var]
            artefact = one.artefact.part(f"{BESIDE}/{kept.name}")
            label = f"{one.name} after {model.history[-1].words_seen} words"
            vectors = self._embedded(label, model, artefact, joined)
            found.append(Trained(one.name, model, artefact, vectors, one.start, done=False))
        return found

    @staticmethod
    def _hand_over(first: Trained, model: Model, name: str) -> None:
        lexicons = list(first.model.lexicons().values())
        if not lexicons:
            raise StudyError(f"models.{name}.start={first.name}: that model has no vector per word to start from.")
        assert isinstance(model, StartsFrom)  # only such models name a start
        model.take(lexicons[0])


def check_models(models: Mapping[str, Model]) -> None:
    """See to it, before any model is trained, that each has the files and the model that it is to be made from.

    Raises
    ------
    StudyError
        Where a file is missing; where a model is to start from one that the study has not, or, in the end, from itself.
    """
    for name, model in models.items():
        if isinstance(model, HasFiles):
            try:
                model.files()
            except StudyError as error:
                raise StudyError(f"models.{name}: {error}") from error
        chain = [name]
        while (start := _start(models[chain[-1]])) is not None:
            if start not in models or start in chain:
                others = ", ".join(other for other in models if other not in chain) or "none is here"
                raise StudyError(f"models.{chain[-1]}.start={start}: expected another model of this study ({others}).")
            chain.append(start)


def _start(model: Model) -> str | None:
    return model.start if isinstance(model, StartsFrom) else None
