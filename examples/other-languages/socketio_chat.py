"""A room with the official Socket.IO client of Python (python-socketio 5). Prints what is said, sends what it reads.

That client knows no recovery, so a join says where it stopped:
    python3 socketio_chat.py http://localhost:8080 lobby TOKEN
"""
import sys
import threading
import uuid

import socketio

url, room, token = sys.argv[1:4]
transports = sys.argv[4:] or None  # such as `polling`; by default it changes over to a WebSocket
client = socketio.Client(reconnection_delay=1, reconnection_delay_max=30)
position = None  # which log of the room, and the number of the last event that was shown
waiting = {}  # lines that the server has not stored yet, by their keys
lock = threading.Lock()  # listeners run in threads of their own


@client.event
def connect():
    after = {} if position is None else {"after": position}
    client.emit("room:join", {"roomId": room, **after}, callback=joined)


@client.event
def connect_error(data):
    print(data["message"] if isinstance(data, dict) else data, file=sys.stderr, flush=True)


def joined(answer):
    global position
    if answer["status"] == "error":
        print(answer["message"], file=sys.stderr, flush=True)
        return
    with lock:
        if position is None or not answer.get("recovered"):
            position = {"epoch": answer["epoch"], "seq": answer.get("from", answer["seq"] + 1) - 1}
    print("joined", flush=True)
    for key, content in list(waiting.items()):
        send(key, content)


@client.on("message:new")
def on_message(message):
    with lock:
        if position is None or message["seq"] <= position["seq"]:
            return  # it was shown before
        position["seq"] = message["seq"]
        print(f"#{message['seq']} {message['name']}: {message['content']}", flush=True)


def send(key, content):
    def stored(answer):
        if answer["status"] == "ok" or answer["code"] not in ("RATE_LIMITED", "TIMEOUT", "UNAVAILABLE"):
            waiting.pop(key, None)
        if answer["status"] == "error":
            print(answer["message"], file=sys.stderr, flush=True)

    # With the key the server stores it once, however often it comes.
    client.emit("message:send", {"roomId": room, "content": content, "key": key}, callback=stored)


client.connect(url, transports=transports, auth={"token": token})
for line in sys.stdin:
    key = str(uuid.uuid4())
    waiting[key] = line.rstrip("\n")
    if client.connected:
        send(key, waiting[key])
client.wait()
