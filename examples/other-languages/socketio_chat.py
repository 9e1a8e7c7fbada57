"""A room with the official Socket.IO client of Python (python-socketio 5). Prints what is said, sends what it reads.

That client knows no recovery, so a join says where it stopped:
    python3 socketio_chat.py http://localhost:8080 lobby TOKEN
"""
import random
import sys
import threading
import time
import uuid

import socketio

url, room, token = sys.argv[1:4]
transports = sys.argv[4:] or None  # such as `polling`; by default it changes over to a WebSocket
client = socketio.Client()
position = None  # which log of the room, and the number of the last event that was shown
early = {}  # durable events whose turn has not come, by number: this client runs each listener in a thread of its own
waiting = {}  # lines that the server has not stored yet, by their keys
lock = threading.Lock()


def connected():
    after = {} if position is None else {"after": position}
    client.emit("room:join", {"roomId": room, **after}, callback=joined)


def refused(data):
    print(data["message"] if isinstance(data, dict) else data, file=sys.stderr, flush=True)


def joined(answer):
    global position
    if answer["status"] == "error":
        print(answer["message"], file=sys.stderr, flush=True)
        return
    with lock:
        if position is None or not answer.get("recovered"):
            position = {"epoch": answer["epoch"], "seq": answer.get("from", answer["seq"] + 1) - 1}
        show()
        print("joined", flush=True)  # two threads that print at once would share a line
    for key, content in list(waiting.items()):
        send(key, content)


def received(name, *args):
    if args and isinstance(args[0], dict) and "seq" in args[0]:
        with lock:
            early[args[0]["seq"]] = name, args[0]
            show()


def show():
    """Shows what is next, in the order of the numbers: a room has them without a gap."""
    while position is not None and position["seq"] + 1 in early:
        position["seq"] += 1
        name, event = early.pop(position["seq"])
        if name == "message:new":
            print(f"#{event['seq']} {event['name']}: {event['content']}", flush=True)
    for seq in [seq for seq in early if position is not None and seq <= position["seq"]]:
        del early[seq]  # it was shown before


def send(key, content):
    def stored(answer):
        if answer["status"] == "ok" or answer["code"] not in ("RATE_LIMITED", "TIMEOUT", "UNAVAILABLE"):
            waiting.pop(key, None)
        if answer["status"] == "error":
            print(answer["message"], file=sys.stderr, flush=True)

    try:
        # With the key the server stores it once, however often it comes.
        client.emit("message:send", {"roomId": room, "content": content, "key": key}, callback=stored)
    except socketio.exceptions.BadNamespaceError:
        pass  # there is no connection; `joined` sends it


def read_lines():
    for line in sys.stdin:
        key = str(uuid.uuid4())
        waiting[key] = line.rstrip("\n")
        send(key, waiting[key])


threading.Thread(target=read_lines, daemon=True).start()
delay = 1
while True:
    # A client for each connection: `python-engineio` 4.3 does not always reconnect when a POST was refused just after a cut.
    client = socketio.Client(reconnection=False)
    client.on("connect", connected)
    client.on("connect_error", refused)
    client.on("*", received)
    try:
        client.connect(url, transports=transports, auth={"token": token})
        delay = 1
        client.wait()
    except socketio.exceptions.ConnectionError:
        if position is None:
            sys.exit(1)  # it was never connected: the address or the token is wrong
    time.sleep(delay * random.uniform(0.5, 1))
    delay = min(2 * delay, 30)
