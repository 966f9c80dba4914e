"""Learned methods, which need torch: one a file or folder, in the table of ``sparse/registry.py``.

niirf_cascade  A listener as delays and cascades of second-order filters
shared         The common ground of learned methods
"""
