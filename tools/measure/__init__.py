"""Measures the device code: size, heap, speed."""
