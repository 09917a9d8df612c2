"""python -m attnviz, and the program attnviz."""

import gc
import sys

from attnviz.errors import INTERRUPTED


def run() -> None:
    """Run the command line on the program's arguments, and exit with its code."""
    # Start-up makes thousands of objects and no garbage: looking for it takes a sixth of the time, and as much again
    # when the interpreter ends. What long runs leave is still collected, seldom.
    gc.disable()
    try:
        from attnviz.cli.app import main

        gc.freeze()
        gc.set_threshold(300_000)
        gc.enable()
        code = main()
        gc.freeze()
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    run()
