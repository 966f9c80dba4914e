"""Training of systems: responses, scenes, losses, a new listener's code.

code_fitting       A new listener from few measured directions: only the code moves
losses             Losses of end-to-end systems: errors of the wave, of its spectrum
response_first     Systems that learn single responses first and then scenes
response_training  Networks that give filters learn from responses themselves: no sound is rendered
train              Systems trained by name, on scenes of many listeners
"""
