"""The command line: one thin file per verb, each of which parses, calls one function and prints."""
