"""python -m attnviz, and the program attnviz."""

import gc
import sys


def run() -> None:
    """Run the command line on the program's arguments, and exit with its code."""
    gc.disable()  # start-up makes thousands of objects and no garbage: looking for it takes a sixth of the time
    from attnviz.cli import main

    sys.exit(main())


if __name__ == "__main__":
    run()
