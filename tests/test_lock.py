"""requirements.lock and constraints.txt name the same versions."""

from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
SYSTEMS = ["linux", "darwin", "win32"]


def pins(name, environment):
    """Package → version, of the lines that a machine takes."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line.split(" --hash")[0] for line in text.splitlines() if line[:1] not in ("", "#")]
    found = {}
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            package = canonicalize_name(requirement.name)
            assert package not in found
            found[package] = str(requirement.specifier)
    return found


@pytest.mark.parametrize(("python", "system"), list(product(PYTHONS, SYSTEMS)))
def test_the_lock_has_the_versions_of_the_constraints(python, system):
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "sys_platform": system,
        "platform_machine": "x86_64",
    }
    constraints, locked = (
        pins(name, environment) for name in ("constraints.txt", "requirements.lock")
    )
    assert locked.items() <= constraints.items()
    only_elsewhere = constraints.keys() - locked.keys()
    assert only_elsewhere <= {"colorama", "httpx2-jsfetch"}


def test_every_line_of_the_lock_has_a_hash():
    text = (ROOT / "requirements.lock").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line[:1] not in ("", "#")]
    assert len(lines) > 100
    assert all("--hash=sha256:" in line for line in lines)
