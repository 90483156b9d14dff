"""Entity-level sentiment for spaCy: which entities a text names, and what it thinks of each."""

from importlib.metadata import version

__version__ = version("spacy-absa")
