"""Decoding alone: every line of a file through chat2ga's decoder, and nothing else.

python -m benchmarks.decoding FILE
"""

import sys
import time
from pathlib import Path

from schemas.interaction import Fault
from streams.attribution import RuleBook


def main(file: str) -> None:
    """Decode. Raises ValueError for a line that is no interaction."""
    decode, now_ms = RuleBook().decode, round(time.time() * 1000)
    with Path(file).open("rb") as lines:
        for line in lines:
            if isinstance(decoded := decode(line, now_ms), Fault):
                raise ValueError(f"{line!r}: {decoded}")  # noqa: TRY004 - of the line, not of a type


if __name__ == "__main__":
    main(sys.argv[1])
