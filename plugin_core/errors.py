"""Errors of files that cannot be played."""

from auricle.dsp.errors import AuricleError


class AdmError(AuricleError):
    """An ADM file that is damaged, contradicts itself, or asks for what is not there."""
