"""Decoding: from scores per character to entities, with their probabilities."""
