"""The systems: one a folder, in the table of ``endtoend/systems/registry.py``."""
