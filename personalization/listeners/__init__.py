"""Groups of listeners as models see them: features, pooled laboratories, those that ship.

features       What the methods see of a listener, and the way back to impulse responses
from_datasets  Data sets as what methods learn from: features of all listeners, kept on disk
listener_data  What is known of listeners, as models get it and give it
pooling        Listeners of several laboratories over one grid
shipped        The listeners that ship with Auricle, small
statistics     Groups of listeners as statistics: the mean listener, deviations from it
"""
