"""One Studio per workspace: a second one hands its files to the first, raises it, and ends."""

from __future__ import annotations

import getpass
import hashlib
import json
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_TIMEOUT_MS = 1000
_MOST_BYTES = 1_000_000


def server_name(workspace: Path) -> str:
    """Return the name under which the Studio of a workspace listens, one for each user."""
    text = f"{getpass.getuser()}\n{workspace.expanduser().resolve()}"
    return f"depthwise-studio-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def hand_over(workspace: Path, paths: list[Path]) -> bool:
    """Give files to the Studio that already runs on a workspace.

    Returns:
        Whether there is one; it has been raised then.
    """
    socket = QLocalSocket()
    socket.connectToServer(server_name(workspace))
    if not socket.waitForConnected(_TIMEOUT_MS):
        return False
    socket.write(json.dumps([str(path.absolute()) for path in paths]).encode() + b"\n")
    socket.waitForBytesWritten(_TIMEOUT_MS)
    answered = socket.waitForReadyRead(_TIMEOUT_MS)
    socket.disconnectFromServer()
    return answered


class SingleInstance(QObject):
    """Listens for other Studios on the same workspace."""

    called = Signal(list)
    """Another Studio was started; the paths that it was to open."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_server_new_connection)

    def listen(self, workspace: Path) -> bool:
        """Answer for a workspace; a name left behind by a crash is taken over.

        Returns:
            Whether this Studio is the one that answers now.
        """
        self._server.close()
        name = server_name(workspace)
        if self._server.listen(name):
            return True
        QLocalServer.removeServer(name)
        return self._server.listen(name)

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def _on_server_new_connection(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(lambda socket=socket: self._read(socket))
            socket.disconnected.connect(socket.deleteLater)
            self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > _MOST_BYTES:
                socket.abort()
            return
        try:
            names = json.loads(socket.readLine(_MOST_BYTES).toStdString())
        except ValueError:
            names = []
        socket.write(b"ok\n")
        socket.flush()
        names = names if isinstance(names, list) else []
        self.called.emit([Path(name) for name in names if isinstance(name, str)])
