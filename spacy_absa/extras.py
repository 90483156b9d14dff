"""Libraries that only an extra of the package installs."""

from importlib.util import find_spec

from .errors import InputError


def require(extra: str, *modules: str, what: str) -> None:
    """Raise InputError, with the command that helps, where a module `what` needs is missing."""
    for module in modules:
        if find_spec(module) is None:
            raise InputError(f"{what} needs {module}: pip install 'spacy-absa[{extra}]'.")
