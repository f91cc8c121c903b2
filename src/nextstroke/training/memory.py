"""Keeping the memory of one batch for the next."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
ALL = 2**31 - 1


def keep_memory() -> bool:
    """Let malloc keep large blocks instead of giving them back to the system; whether this C library can.

    By default glibc maps each large tensor anew and the system clears it, page by page; docs/log.md tells
    what that cost.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, ALL))
