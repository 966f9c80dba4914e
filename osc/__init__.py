"""Open Sound Control: scenes and head trackers on the wire, converted to Auricle's conventions."""
