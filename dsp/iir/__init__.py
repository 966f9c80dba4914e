"""The low-cost path: delays and cascades of second-order filters.

cascade          The low-cost path
cascade_kernels  Kernels of the cascades: their filters due at a step's end
cascade_set      Filters of a listener for the low-cost path: second-order sections behind a delay
"""
