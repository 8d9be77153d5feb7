"""Inspection: what the command line asks of the broker beside a worker. Moves no offset, joins no group."""
