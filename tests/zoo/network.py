# expect: network
# says: Connection refused
import socket
import urllib.request

with socket.socket() as unused:
    unused.bind(("127.0.0.1", 0))  # bound and not listening: whoever connects is refused
    urllib.request.urlopen(f"http://127.0.0.1:{unused.getsockname()[1]}/model.bin", timeout=30)
