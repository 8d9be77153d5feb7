"""`python -m streams.reference`: write what is generated, or with `--check` name what is out of date."""

import argparse
import json
import sys
from pathlib import Path

from streams.reference.asyncapi import asyncapi_yaml
from streams.reference.examples import EXAMPLES, examples
from streams.reference.json_schemas import json_schemas
from streams.reference.tables import tables

ROOT = Path(__file__).parents[2]
CONTRACTS = Path("schemas/generated")
DOCS = Path("docs/reference")


def generated() -> dict[str, str]:
    """Every generated file by its path from the project's directory."""
    contracts = {
        name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in json_schemas().items()
    }
    contracts["asyncapi.yaml"] = asyncapi_yaml()
    return {
        **{str(CONTRACTS / name): text for name, text in contracts.items()},
        **{str(DOCS / name): text for name, text in tables().items()},
        **examples(ROOT),
    }


def out_of_date(files: dict[str, str]) -> list[str]:
    """Files that are missing or differ, and contracts and examples that nothing generates any more."""
    wrong = [name for name, text in files.items() if _text(ROOT / name) != text]
    made = [ROOT / EXAMPLES / topic for topic in ("ga-events", "ga-receipts", "dead-letters")]
    there = [*(ROOT / CONTRACTS).glob("*"), *(path for folder in made for path in folder.glob("valid-*"))]
    left = {str(path.relative_to(ROOT)) for path in there} - set(files)
    return sorted([*wrong, *left])


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main() -> int:
    """Write, or check. Says which files, and what to type."""
    parser = argparse.ArgumentParser(prog="python -m streams.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if anything is out of date")
    check: bool = parser.parse_args().check
    files = generated()
    wrong = out_of_date(files)
    if check:
        for name in wrong:
            sys.stderr.write(f"{name}: not what the code says; run `python -m streams.reference`\n")
        return 1 if wrong else 0
    for name in wrong:
        path = ROOT / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], encoding="utf-8")
        else:
            path.unlink()
        sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
