"""The spaCy components `absa_gru`, `absa_polarity`, `char_lm` and `char_hints`."""
