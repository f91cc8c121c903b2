"""The command line: one thin file per verb, each of which parses, calls one function and prints.

Nothing heavy at module level, `--help` is to be quick; no other room prints.
"""
