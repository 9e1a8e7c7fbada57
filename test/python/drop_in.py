"""Connects the Socket.IO client of Python, asks for an event, and prints every argument that its listener gets."""
import json
import sys
import threading

import socketio

url, transport = sys.argv[1:3]
client = socketio.Client(reconnection=False)
printing = threading.Lock()  # each listener runs in a thread of its own


def show(kind):
    def listener(*args):
        with printing:
            print(json.dumps([kind, *args]), flush=True)

    return listener


client.on("message:new", show("message:new"))
client.on("note", show("note"))
client.connect(url, transports=[transport], auth={"name": "Ann"})
client.emit("say", "hello", callback=show("answer"))
client.sleep(20)
