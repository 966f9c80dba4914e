"""Ambisonic sound fields to two ears.

block                    The block function of an ambisonic renderer
decoder                  A listener's filters for ambisonics
fuma                     Furse-Malham ambisonics, to order 3, as SN3D in ACN order
magnitude_least_squares  Ambisonic filters whose magnitudes are right where their phases cannot be
renderer                 Ambisonics to two ears, block by block, with a head that turns
state                    All that an ambisonic renderer holds, behind one address
"""
