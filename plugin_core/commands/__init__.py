"""One module per command of ``auricle``; NumPy and the engine are imported inside the commands."""
