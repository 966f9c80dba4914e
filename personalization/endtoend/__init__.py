"""End-to-end rendering: a mono signal, a pose and a listener in, binaural sound out.

``poses`` says where sound comes from, ``warp`` is the physics that all systems share, ``neural``
the base of the learned ones, ``conditioning`` how the listener enters them; each system is a file
of ``models``.
"""
