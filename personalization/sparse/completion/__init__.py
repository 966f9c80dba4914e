"""A measured set made whole.

complete         A set measured at some directions, completed: what was measured stays
densify          A measured set with its gaps filled: directions between the measured ones
expected_errors  What errors to expect of a method
input_checks     What a measured set must be before it is completed: told apart, named
"""
