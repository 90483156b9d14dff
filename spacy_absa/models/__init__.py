"""Thinc models: from characters to emissions, and the language model under them."""
