"""The one exception for input that a user can mend."""


class InputError(ValueError):
    """Bad input: the message says what is wrong, where (file and line), and what to do."""
