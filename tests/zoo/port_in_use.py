# expect: network
# says: another process holds
import socket

with socket.create_server(("127.0.0.1", 0)) as first:
    socket.create_server(first.getsockname())
