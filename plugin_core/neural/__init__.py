"""End-to-end systems in place of filters: tracks, scenes and chains rendered by a network."""
