"""Models that predict a listener's HRTF; needs torch (``pip install auricle[personalization]``)."""
