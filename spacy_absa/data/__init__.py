"""Data in and out: texts of any format, the contest's files, JSON Lines, spaCy's training data."""
