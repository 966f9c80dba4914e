"""Learned methods, one model a file; all need torch."""
