"""Responses between the measured directions.

gaussian_process  Gaussian processes over directions: values at others
patches           The sphere in patches, each with the measured directions around it
gp_mixture        Responses and arrival times at directions that were never measured
mesh_refinement   A finer mesh: vertices between measured directions
mixture_weights   Which process is to be believed where: directions that judge them
"""
