"""Senses of a word: told apart by labels, by pairs, and by clusters."""
