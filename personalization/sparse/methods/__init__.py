"""Methods without networks, one a file.

mean_gp              The mean listener plus a Gaussian process, over directions alone
neighbours           Plain interpolation of what was measured; no other listeners
other_laboratory     Any method for a listener of another laboratory
population           Answers without, or with hardly any, personalisation
ridge                Band-wise ridge regression over listeners
spherical_harmonics  Spherical harmonics through what was measured
"""
