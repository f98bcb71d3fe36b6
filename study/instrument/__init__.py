"""Instruments: they look inside trained models, where tasks only ask them; each is a ``study.contracts.Instrument``."""

from study.instrument.attention import AttentionMaps

__all__ = ["AttentionMaps"]
