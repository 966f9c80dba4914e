"""Drivers: JACK, PortAudio, no device.

backend    The interface of a driver: a clock that calls the block function
jack       JACK, also as PipeWire offers it: libjack calls the compiled block function itself
null       No device: a clock in a thread of compiled code, paced or as fast as it can
portaudio  Sound cards through PortAudio
"""
