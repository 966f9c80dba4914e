"""Models that predict a listener's HRTF, the data they learn from, and how they are judged.

The models need torch (``pip install torch``); these do not:

datasets    folders of SOFA files and body measures, harmonised, split by person
metrics     a listener who localises, the limits of the LAP challenge
"""
