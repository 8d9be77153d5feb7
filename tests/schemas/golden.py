"""Reads the golden examples, for the tests of this folder."""

from pathlib import Path

import schemas

ROOT = Path(schemas.__file__).parents[1]
EXAMPLES = ROOT / "schemas" / "examples"


def files_of(topic, kind):
    """The examples of a topic of one kind: valid, invalid, ignored."""
    return sorted((EXAMPLES / topic).glob(f"{kind}-*.json"))
