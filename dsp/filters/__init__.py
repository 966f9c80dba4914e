"""Short filters that know no head.

biquad            Second-order digital filters from analogue ones, and their responses
fractional_delay  Fractional-delay filters
"""
