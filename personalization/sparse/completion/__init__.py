"""A measured set made whole.

complete         A set measured at some directions, completed: what was measured stays
densify          A measured set with its gaps filled: directions between the measured ones
expected_errors  Errors to expect of a method
layouts          Where the measured directions lie: which part of the sphere they are in
input_checks     Checks of a measured set before it is completed: faults told apart, named
own_interpolation  What the engine itself makes of directions between measured ones
"""
