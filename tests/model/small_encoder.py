"""The settings of a small encoder, which tests change one at a time."""

ANATOMY = {
    "width": 16,
    "blocks": 2,
    "heads": 2,
    "head_width": None,
    "projections": "separate",
    "scaling": True,
    "attention": "softmax",
    "mask": "full",
    "positions": "rotary",
    "expansion": 2,
    "activation": "gelu",
    "residual": True,
    "norm": "layer",
    "norm_place": "before",
    "norm_epsilon": 1e-5,
    "biases": False,
    "dropout": 0.0,
    "tied": True,
    "length": 12,
}
