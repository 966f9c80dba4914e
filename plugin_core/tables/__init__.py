"""Results of comparisons as tables.

endtoend  Results of ``auricle compare --family endtoend`` as tables for people and for programs
sparse    Results of ``auricle compare`` as tables for people and for programs
"""
