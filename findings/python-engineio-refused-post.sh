#!/usr/bin/env bash
# python-engineio 4.3.4 (python-socketio 5.7.2, both of Debian 12) over polling: when a POST is answered 400 because the server no
# longer knows the session, the client resets itself in the thread that writes. The thread that reads then finds it disconnected,
# so there is no `disconnect` event and no reconnection: the process lives on, `connected` stays true, and it hears no more. When
# the poll ends first, it reconnects within a second or two. Fails when it behaves otherwise. Needs python3-requests.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-save --no-audit --no-fund socket.io@4.8.3 >/dev/null
apt-get download -qq python3-socketio=5.7.2-2 python3-engineio=4.3.4-2 python3-bidict=0.22.1-1 2>/dev/null
for package in *.deb; do dpkg -x "$package" python; done
cat > server.cjs <<'JS'
const { createServer } = require('node:http')
const { Server } = require('socket.io')
const server = createServer()
const io = new Server(server)
let connections = 0
io.on('connection', (socket) => {
  connections++
  socket.on('forget', () => {
    const { id } = socket.conn
    delete io.engine.clients[id] // as after a restart; the poll that waits is cut a little later
    setTimeout(() => socket.conn.transport.req?.socket.destroy(), 500)
  })
})
server.on('request', (request, response) => request.url === '/count' && response.end(String(connections)))
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat > client.py <<'PY'
import os, sys, time, urllib.request
import socketio

url = f"http://127.0.0.1:{sys.argv[1]}"
count = lambda: int(urllib.request.urlopen(url + "/count").read())


def run(post_after_it):
    """Ends a session on the server, with or without a POST before the poll is cut. What the client says of it in 6 s."""
    client, seen = socketio.Client(reconnection_delay=0.5), []
    client.on("disconnect", lambda: seen.append("disconnect"))
    client.on("connect", lambda: seen.append("connect"))
    before = count()
    client.connect(url, transports=["polling"])
    client.emit("forget")
    time.sleep(0.2)
    if post_after_it:
        client.emit("hello")
    time.sleep(6)
    return seen, client.connected, count() - before


without, with_post = run(False), run(True)
print("poll cut:                 events, connected, connections:", *without)
print("POST refused, then a cut: events, connected, connections:", *with_post)
as_found = without == (["connect", "disconnect", "connect"], True, 2) and with_post == (["connect"], True, 1)
print("as found: no word of the end, no reconnection" if as_found else "CHANGED", flush=True)
os._exit(0 if as_found else 1)
PY
node server.cjs > port & server=$!
trap 'kill $server; rm -rf "$folder"' EXIT
until [ -s port ]; do sleep 0.1; done
PYTHONPATH=$folder/python/usr/lib/python3/dist-packages timeout 60 /usr/bin/python3 client.py "$(cat port)"
