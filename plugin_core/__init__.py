"""What meets the user: the command line, plugin and chains, live sound, pictures.

cli          the ``auricle`` command and its errors
commands     one module per command
report       pictures (needs ``auricle[plots]``)
"""
