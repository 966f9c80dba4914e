"""Directions on the sphere: mesh, holes, quadrature, harmonics.

grids         Grids of directions: how dense they are, where they have holes, and even ones
harmonics     Real spherical harmonics as ambisonics uses them, and the matrices that rotate them
head_turning  Rotations of the head in compiled code: between two of them, and as a matrix
hole_filling  Directions that fill the holes of a measured grid
mesh          A closed mesh of triangles over any measured grid
walk          The triangle of a mesh that holds a direction, found on the audio path
quadrature    Quadrature: how much of the sphere each measured direction stands for
"""
