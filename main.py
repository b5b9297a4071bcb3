"""The door: without arguments the Studio opens; a verb runs the command line; --engine NAME runs an engine job."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Return the exit status of what the arguments ask for."""
    if arguments[:1] == ["--engine"] and len(arguments) == 2:
        from app.engine.jobs import run_job

        return run_job(arguments[1])
    if not arguments or arguments[0] == "studio":
        from app.ui.start import start

        return start(arguments[1:])
    from app.cli import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
