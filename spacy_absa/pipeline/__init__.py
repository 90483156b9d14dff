"""The spaCy components `absa_gru`, `absa_polarity`, `absa_explain`, `char_lm` and `char_hints`."""
