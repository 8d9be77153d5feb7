"""Speed, measured beside others in one run."""
