"""Auricle beside the engines that its users would otherwise take: adapters, protocols, one run.

``engine`` is the interface; each peer has one file, each protocol has one file; ``compare`` runs
them in one process, ``tables`` and ``picture`` show what came out. ``benchmarks/README.md`` says
how each is driven and why that is fair.
"""
