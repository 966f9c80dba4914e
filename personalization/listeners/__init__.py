"""Groups of listeners as models see them: features, pooled laboratories, those that ship.

features       Features of a listener, as the methods see them
from_datasets  Data sets as what methods learn from: features of all listeners, kept on disk
listener_data  Listeners as models get them and give them: measured ones, groups, predictions
pooling        Listeners of several laboratories over one grid
shipped        The listeners that ship with Auricle, small
statistics     Groups of listeners as statistics: the mean listener, deviations from it
known_ears     Whether a measured listener is among those that ship
"""
