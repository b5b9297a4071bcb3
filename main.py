"""The door: without arguments the Studio opens; a verb runs the command line."""

import sys

from app.start import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
