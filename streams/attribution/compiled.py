"""Whether the core runs compiled or as it is written: the same source, the same answers (docs/decisions/0012)."""

from typing import Final

__all__ = ["CORE"]

CORE: Final = "pure Python" if __file__.endswith((".py", ".pyc")) else "compiled"
"""For a person who wonders which one runs. A wheel has all of its modules compiled, or none: this one tells of all."""
