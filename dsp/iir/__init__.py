"""The low-cost path: delays and cascades of second-order filters.

cascade  The low-cost path
"""
