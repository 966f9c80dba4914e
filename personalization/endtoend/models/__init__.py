"""The systems, a folder each (their table: ``systems/registry``)."""
