"""Connects the Socket.IO client of Python, joins a room, and prints what its listener gets, one JSON line an event."""
import json
import sys

import socketio

url, transport = sys.argv[1:3]
client = socketio.Client(reconnection=False)


@client.on("message:new", namespace="/public")
def on_message(message):
    print(json.dumps(message), flush=True)


@client.on("cursor", namespace="/public")
def on_cursor(position):
    print(json.dumps(position), flush=True)


@client.on("connect", namespace="/public")
def on_connect():
    client.emit("room:join", {"roomId": "lobby"}, namespace="/public", callback=lambda ack: print(json.dumps(ack["status"]), flush=True))


client.connect(url, namespaces=["/public"], transports=[transport], auth={"name": "Ann"})
client.sleep(20)
