"""Methods without networks, one idea a file (their table: ``sparse/registry``)."""
