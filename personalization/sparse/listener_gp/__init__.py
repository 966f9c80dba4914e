"""The Gaussian process over listeners.

arrival_times  Arrival times of a listener from those measured, and from what the head shadows
covariance     Covariance of a listener's values between directions, ears and frequencies
posterior      Posterior of a listener's values, given those that were measured
process        Bayesian prediction from other listeners
"""
