"""The web page and JSON endpoint behind ``spacy absa serve``."""
