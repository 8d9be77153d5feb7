"""Generated contracts and docs: what is written down from the code, so that it cannot say anything else.

    python -m streams.reference            write them all
    python -m streams.reference --check    name those that are not what the code says

JSON Schemas and the AsyncAPI document (schemas/generated), the examples that
`step` gives (schemas/examples) and the tables of the docs (docs/reference).
Writing them takes the packages of `chat2ga[dev]`; reading the contracts that
are shipped, as `chat2ga schema` does, takes none.
"""

from streams.reference.shipped import contract_files, schema_of

__all__ = ["contract_files", "schema_of"]
