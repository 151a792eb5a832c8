"""Gaps of ministack 1.5.33, one module for each, and why the service needs it closed.

`needed()` returns whether ministack still has the gap. If a newer version does not, the start fails and names
the module to delete. `apply()` closes the gap in the emulator's process.
"""
