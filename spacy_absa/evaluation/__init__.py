"""How good a pipeline is, where it fails, and whether its probabilities can be believed."""
