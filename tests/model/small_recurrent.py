"""The settings of small recurrent networks, which tests change one at a time."""

PARTS = {"cell": "lstm", "width": 16, "depth": 2, "residual": False, "dropout": 0.0, "tied": True, "length": 20}
SCHEDULE = {
    "context": "sentence",
    "candidates": 0,
    "candidate_exponent": 1.0,
    "batch": 256,
    "rate": 0.02,
    "warm_up": 0.1,
    "decay": "linear",
    "weight_decay": 0.1,
    "second_moment": 0.98,
    "clip": 1.0,
    "precision": "float32",
    "words": 2_000,
    "epochs": None,
    "minutes": None,
    "validate_every": 1_000,
    "validation_words": 500,
    "seed": 0,
    "checkpoint_seconds": 60,
    "device": "cpu",
    "threads": 1,
    "occurrences": 5,
}
