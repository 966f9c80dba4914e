"""Methods on listeners left out, and what errors to expect.

calibration   Whether predictions are as sure as they should be
comparison    All methods on listeners left out: what each gets wrong, kept on disk fold by fold
lazy_fit      Methods that learn when they are first needed
localisation  Localisation by simulated listeners with what a method predicts
"""
