"""A real MJPEG server on the loopback, whose behaviour a test can change while it runs."""

from __future__ import annotations

import http.server
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from tests.engine.barcode import draw_number


class StreamServer:
    """Serves numbered pictures as MJPEG over HTTP.

    `frozen` keeps the connection open and sends nothing; `hung_up` closes it; `repeating` sends one picture again and
    again; `connections` counts them.
    """

    def __init__(self, fps: float = 30.0, size: tuple[int, int] = (240, 320), port: int = 0) -> None:
        self.fps = fps
        self.size = size
        self.frozen = threading.Event()
        self.hung_up = threading.Event()
        self.silent = threading.Event()
        self.repeating = threading.Event()
        self.connections = 0
        self.open_connections = 0
        self.sent = 0
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

            def do_GET(self) -> None:
                server.serve(self)

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/stream.mjpg"

    def serve(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.connections += 1
        self.open_connections += 1
        try:
            self._send(handler)
        except OSError:
            handler.close_connection = True  # the client left
        finally:
            self.open_connections -= 1

    def _send(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        while self.silent.is_set() and not self._ended.is_set():
            time.sleep(0.02)
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        while not self._ended.is_set() and not self.hung_up.is_set():
            if self.frozen.is_set():
                _raise_if_left(handler.connection)
                continue
            image = np.full((*self.size, 3), 90, np.uint8)
            draw_number(image, self.sent if not self.repeating.is_set() else 7)
            jpeg = cv2.imencode(".jpg", image)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            handler.wfile.write(head.encode() + jpeg + b"\r\n")
            self.sent += 1
            time.sleep(1 / self.fps)

    def close(self) -> None:
        self._ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(2)


def _raise_if_left(connection: socket.socket) -> None:
    """Wait a moment; raise if the client has closed the connection, which silence would not show."""
    readable, _, _ = select.select([connection], [], [], 0.02)
    if readable and not connection.recv(1, socket.MSG_PEEK):
        raise ConnectionResetError


@contextmanager
def streaming(fps: float = 30.0, size: tuple[int, int] = (240, 320)) -> Iterator[StreamServer]:
    server = StreamServer(fps, size)
    try:
        yield server
    finally:
        server.close()
