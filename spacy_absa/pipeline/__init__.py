"""The spaCy components `absa_gru` and `char_lm`."""
