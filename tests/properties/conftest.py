import pytest

from spacy_absa.errors import InputError


@pytest.fixture(scope="session")
def scratch(tmp_path_factory):
    """A folder for files that the next input overwrites."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="session")
def read(scratch):
    """Write a file and call a reader on it: what it gives, or None for an InputError.

    Every other error fails the test: for a file, InputError is the only one there is.
    """

    def read(name: str, data: bytes, reader):
        path = scratch / name
        path.write_bytes(data)
        try:
            found = reader(path)
            return found if isinstance(found, dict | str) else list(found)
        except InputError as error:
            assert name in str(error)
            assert len(str(error).splitlines()) == 1
            return None

    return read
