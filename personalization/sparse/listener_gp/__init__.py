"""The Gaussian process over listeners.

arrival_times  Arrival times of a listener from those measured, and from what the head shadows
covariance     How the values of a listener at two directions, ears and frequencies go together
posterior      What is likely of a listener's values, given those that were measured
process        Bayesian prediction from other listeners
"""
