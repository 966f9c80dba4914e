"""Results of comparisons as tables.

endtoend    Results of ``auricle compare --family endtoend`` as tables for people and for programs
registries  docs/methods.md: the tables of methods, systems and track types, from their registries
sparse      Results of ``auricle compare`` as tables for people and for programs
"""
