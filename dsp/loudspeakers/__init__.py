"""Channels of loudspeaker layouts, and a bed of them for two ears.

bed            A bed of loudspeaker channels as sources
channel_roles  Roles of channels in the words of file formats, as loudspeakers of layouts
layouts        Named loudspeaker layouts and the order of their channels
"""
