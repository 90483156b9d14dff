"""The spaCy components `absa_gru`, `absa_polarity` and `char_lm`."""
