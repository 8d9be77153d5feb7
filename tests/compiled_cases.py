"""The contract's cases through `step`, in a process of its own: which modules it was, and what came of it.

    python -P -m tests.compiled_cases ORDER ACCOUNTS_FILE OPTIONS_AS_JSON

One JSON line that says where each module of the core was loaded from; then for
each event a line with its bytes and one with what the contract's cases have of it.
"""

import json
import pickle
import sys
from importlib import import_module

from schemas.ga_event import encode_event
from tests.streams.attribution.test_contract_cases import book, comparable, events_of, shown
from tools.compiled import modules

if __name__ == "__main__":
    order, accounts_file, options, *fields = sys.argv[1:]
    print(json.dumps({name: import_module(name).__file__ for name in modules()}))
    rules = pickle.loads(pickle.dumps(book(accounts_file, json.loads(options))))  # as another process gets it
    for event, session in events_of(order, rules):
        print(encode_event(event).decode())
        print(*shown([comparable(event, session, fields)]))
