"""The C++ loops: building them, loading them and switching them off."""
