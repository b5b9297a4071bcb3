"""Threads of the window, each owning one engine process."""
