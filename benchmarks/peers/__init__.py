"""The same job on other engines."""
