"""The command line: one file per verb, which parses, calls one function and prints.

Nothing heavy is imported at module level: `--help` must be quick.
"""
