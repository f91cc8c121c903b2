"""The faces for browsers and programs: the studio's static pages, and a server with its API.

Only `cli` imports it; what is worked out lies below, here it is only asked for, bounded and handed on.
"""
