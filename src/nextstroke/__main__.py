"""`python -m nextstroke`, for launchers such as torchrun that start modules."""

import sys

from nextstroke.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
