"""Networks over frequency that correct the process over listeners.

dense_across          Between the measured directions of any laboratory
dense_refiner         Dense refiner
dense_refiner_across  The dense refiner for sets of other laboratories
refiner               Refiner
refiner_across        The refiner for a listener of another laboratory
"""
