"""What can be watched while it runs: metrics, each defined once, and logs without secrets."""
