"""NFS: paths in the Fourier domain.

network  The network of NFS (``models.nfs``): delays and gains of paths from poses and the listener
nfs      NFS: frames shifted and weighed in the Fourier domain, many paths to each ear
"""
