"""Instruments: they look inside trained models, where tasks only ask them; each is a ``study.contracts.Instrument``."""

from study.instrument.attention import AttentionMaps
from study.instrument.gradients import Gradients
from study.instrument.head_probe import HeadProbe
from study.instrument.losses import Losses
from study.instrument.order import Order

__all__ = ["AttentionMaps", "Gradients", "HeadProbe", "Losses", "Order"]
