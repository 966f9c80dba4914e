"""Methods without networks: one a file, in the table of ``sparse/registry.py``."""
