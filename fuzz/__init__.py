"""Coverage-guided fuzzing: `python -m fuzz TARGET`, see `__main__.py`."""
