"""Live sound: an audio thread that never waits for Python, and what steers it."""
