"""Depthwise Studio: make YOLOv5 detectors lighter by point and click."""

__version__ = "0.1.0"
