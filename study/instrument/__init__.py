"""Instruments: they look inside trained models, where tasks only ask them; each is a ``study.contracts.Instrument``."""
