"""`python -m streams.cli`: the same as `chat2ga`, also where no script of that name was installed."""

import sys

from streams.cli import main

if __name__ == "__main__":
    sys.exit(main())
