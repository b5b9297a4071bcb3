"""Everything that touches torch, ultralytics, OpenCV or a foreign file; runs in child processes and the CLI."""
