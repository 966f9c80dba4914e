"""Results of comparisons as tables.

endtoend    Results of ``auricle compare --family endtoend`` as tables for people and for programs
pages       Pages of docs/ that are written from tables and dataclasses, all by one command
registries  docs/methods.md: the tables of methods, systems and track types, from their registries
sparse      Results of ``auricle compare`` as tables for people and for programs
"""
