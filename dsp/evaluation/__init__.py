"""One set compared with another.

comparison  Two sets on one grid compared: errors of each direction
matching    Two sets brought to the directions, the rate and the length that they share
"""
