"""How vectors lie in space."""
