"""A whole HRTF from a few measured directions.

A folder imports only those above it in this list.

method       The interface of a method of spatial upsampling
registry     The table of methods of spatial upsampling: what commands, comparisons and docs read
trained      Learned methods by name: trained on listeners, kept in a file, taken from it again
listener_gp  The Gaussian process over listeners
methods      Methods without networks: one a file, in the table of ``sparse/registry.py``
models       Learned methods, which need torch: one a file or folder
completion   A measured set made whole
evaluation   Methods on listeners left out, and what errors to expect
"""
