"""The window: pages, widgets and what they share. Imports neither torch nor OpenCV nor the engine."""
