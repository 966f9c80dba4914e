"""Learned methods, one a file or folder (their table: ``sparse/registry``); all need torch.

niirf_cascade  A listener as delays and cascades of second-order filters
shared         The common ground of learned methods
"""
