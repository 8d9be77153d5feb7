#!/usr/bin/env bash
# Runs the Python that the project is made for; if there is none, says in one line what to install.
set -euo pipefail

for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.14; do
    # Asked, not only looked for: a version manager's shim is there also where the version is not.
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$candidate" "$@"
    fi
done
echo "chat2ga needs Python 3.11 or later, and found none: install python3.12, or set PYTHON=/path/to/python" >&2
exit 1
