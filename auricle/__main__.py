"""``python -m auricle`` is the ``auricle`` command."""

from auricle.plugin_core.cli import main

if __name__ == "__main__":
    main()
