"""Encoders that ``transformers`` knows: where their files are, and how they are opened.

A name is looked for as a folder on disk, then as an installed distribution that carries such a folder (it is read, never
imported), then on the hub, whose files are downloaded once to its own cache. Only weights in safetensors are opened, and no code
that comes with an encoder is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from study.contracts import StudyError

CONFIGURATION = "config.json"
WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json")
TOKENIZER = (
    "tokenizer*.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
)
INSTALL = "pip install 'embedding-study[pretrained]'"


def find_folder(name: str, revision: str | None) -> Path:
    """Find an encoder's folder by its name, downloading it from the hub where it is nowhere else.

    Parameters
    ----------
    name : str
        A folder, an installed distribution, or a name on the hub.
    revision : str or None
        Of the hub: a branch, a tag or a commit.

    Raises
    ------
    StudyError
        Where there is none, or ``transformers`` is not installed.
    """
    path = Path(name).expanduser()
    if path.is_dir() and name:
        return path.resolve()
    if not name or path.exists() or name[0] in "./~\\":
        raise StudyError(
            f"name: expected a folder with a {CONFIGURATION}, an installed wheel with one, or a name on the hub, found {name!r}."
        )
    return _installed(name) or _downloaded(name, revision)


def _installed(name: str) -> Path | None:
    """Return the folder of the encoder that an installed distribution carries, None where there is none."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    found = [Path(str(distribution.locate_file(file))) for file in distribution.files or () if file.name == CONFIGURATION]
    folders = [path.parent for path in found if path.is_file() and "model_type" in _read_object(path)]
    if len(folders) > 1:
        raise StudyError(f"{name} carries several encoders; name the folder of one: {', '.join(map(str, folders))}.")
    return folders[0] if folders else None


def _read_object(path: Path) -> Mapping[str, Any]:
    document = json.loads(path.read_text(encoding="utf-8"))
    return document if isinstance(document, dict) else {}


def _downloaded(name: str, revision: str | None) -> Path:
    check_installed()
    from huggingface_hub import snapshot_download

    wanted = [CONFIGURATION, *WEIGHTS, *TOKENIZER]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns=["*/*"]))
    except Exception as error:  # the hub's client and the network library below it have many kinds of them
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StudyError(
            f"name: {name!r} is neither a folder here nor an installed wheel with an encoder, and it cannot be had from the hub "
            f"({reason[:200]}). Without a network put its files into a folder and give that: {CONFIGURATION}, model.safetensors "
            f"and the tokenizer's files, as `hf download {name} --local-dir FOLDER` fetches them elsewhere."
        ) from error


def encoder_files(folder: Path) -> dict[str, Path]:
    """Return the files that an encoder is opened from, by their names.

    Raises
    ------
    StudyError
        Where the configuration or the weights are missing.
    """
    if not (folder / CONFIGURATION).is_file():
        raise StudyError(f"{folder}: expected a {CONFIGURATION}, as transformers writes one beside an encoder's weights.")
    weights = _matching(folder, WEIGHTS)
    if not any(path.suffix == ".safetensors" for path in weights):
        others = ", ".join(sorted(path.name for path in folder.glob("*.bin"))) or "none"
        raise StudyError(
            f"{folder}: expected weights in model.safetensors; other weights: {others}. A .bin can run code when it is opened "
            "and is not read: convert it where you trust it, with AutoModel.from_pretrained(…).save_pretrained(…)."
        )
    return {path.name: path for path in [folder / CONFIGURATION, *weights, *_matching(folder, TOKENIZER)]}


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def check_installed() -> None:
    """Raise StudyError where ``transformers`` cannot be imported."""
    try:
        import transformers  # noqa: F401
    except ImportError as error:
        raise StudyError(f"Pretrained encoders need the package transformers ({error}): {INSTALL}") from error


def open_encoder(folder: Path) -> tuple[Any, Any]:
    """Open an encoder and its tokenizer.

    Of an encoder with a decoder only the encoder is taken.

    Returns
    -------
    network : transformers.PreTrainedModel
        In float32, without dropout.
    tokenizer : transformers.PreTrainedTokenizerFast

    Raises
    ------
    StudyError
        Where ``transformers`` cannot open it without running its code, its tokenizer is not a fast one, or weights are missing.
    """
    check_installed()
    import transformers

    given = {"local_files_only": True, "trust_remote_code": False}
    try:
        with _quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **given)
            whole, loaded = transformers.AutoModel.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True, **given
            )
    except Exception as error:  # each architecture has its own ways to refuse files
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StudyError(f"{folder}: transformers {transformers.__version__} cannot open it: {reason[:300]}") from error
    if not tokenizer.is_fast:
        raise StudyError(f"{folder}: its tokenizer has no fast form (tokenizer.json), which tells where sub-words are in a text.")
    network = whole.get_encoder() if whole.config.is_encoder_decoder else whole
    read = {id(weight) for weight in network.parameters()}
    named = [name for name, weight in whole.named_parameters() if id(weight) in read and "pooler" not in name]
    missing = sorted(set(named) & set(loaded["missing_keys"]))  # they would be random; no layer reads the pooler
    if missing:
        raise StudyError(f"{folder}: {len(missing)} of its weights are missing from model.safetensors, first {missing[0]}.")
    network.config.use_cache = False
    return network.float().eval(), tokenizer


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the notes and the bar of transformers off the terminal."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def longest_sequence(network: Any, tokenizer: Any, unlimited: int) -> int:
    """Return the longest sequence of an encoder in sub-words, special symbols included; ``unlimited`` where it has no limit."""
    positions = getattr(network.config.get_text_config(), "max_position_embeddings", None) or 0
    # Encoders of RoBERTa's kind count positions from after that of the padding.
    skipped = [
        part.padding_idx + 1
        for name, part in network.named_modules()
        if name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None
    ]
    limits = (tokenizer.model_max_length, positions - max(skipped, default=0))
    return int(min((limit for limit in limits if 0 < limit < 10**9), default=unlimited))  # transformers writes 10**30 for none
