"""A whole HRTF from a few measured directions.

method       what a method gets and gives, and the table of their names
population   the mean listener, a random one and the nearest one
"""
