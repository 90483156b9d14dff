"""The entity list: names, their ids, and where they stand in texts."""

from .formats import LexiconEntry
from .lexicon import Lexicon
from .matches import Match, Matches

__all__ = ["Lexicon", "LexiconEntry", "Match", "Matches"]
