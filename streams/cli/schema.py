"""`chat2ga schema`: the contracts as files: the JSON Schemas of the topics, and the AsyncAPI document."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.running import UsageFault, verb

__all__ = ["app"]

_SCHEMA = ".schema.json"

app = typer.Typer(help="Show or export the JSON Schemas of the topics and the AsyncAPI document.", no_args_is_help=True)


@app.command()
@verb
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A topic, like ga-events; asyncapi for the document of all.")
    ],
) -> None:
    """Print the JSON Schema of a topic's records, or the AsyncAPI document."""
    from streams.reference import contract_files, schema_of

    files = contract_files()
    documents = {file.removesuffix(".yaml"): text for file, text in files.items() if file.endswith(".yaml")}
    try:
        text = files.get(name) or documents.get(name) or schema_of(name)
    except KeyError:
        known = ", ".join([*(file.removesuffix(_SCHEMA) for file in files if file.endswith(_SCHEMA)), *documents])
        raise UsageFault(f"there is no schema {name!r}. There are: {known}.") from None
    sys.stdout.write(text.decode())


@app.command()
@verb
def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; it is created if it is not there.")],
) -> None:
    """Write all of them into a directory, replacing what is there of the same names."""
    from streams.reference import contract_files
    from streams.replay.errors import BadOutput

    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in contract_files().items():
            (directory / name).write_bytes(text)
            sys.stdout.write(f"{directory / name}\n")
    except OSError as error:
        raise BadOutput(str(directory), f"nothing can be written there: {error.strerror or error}") from None
