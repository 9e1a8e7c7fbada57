"""A room over a plain WebSocket, with the package `websockets` (10.4 or newer). Prints what is said, sends what it reads.

It comes back after a cut, misses nothing, and sends each line once:
    python3 websocket_chat.py ws://localhost:8080/ws lobby TOKEN
"""
import asyncio
import json
import random
import sys
import threading
import uuid

import websockets

# After these codes the same attempt would fail again. PROTOCOL.md 10.
FINAL = {1000, 1002, 1003, 1007, 1008, 1009, 4001, 4002, 4003, 4005, 4009}


class Chat:
    def __init__(self, url, room, token):
        self.url, self.room, self.token = url, room, token
        self.position = None  # which log of the room, and the number of the last event that was shown
        self.waiting = {}  # lines that the server has not stored yet, by their keys
        self.socket = None

    async def run(self):
        failures = 0
        while True:
            try:
                # Not in the URL, which ends up in logs. The server takes the first subprotocol, and never echoes the second.
                subprotocols = ["roomful.plain", f"bearer.{self.token}"]
                async with websockets.connect(self.url, subprotocols=subprotocols) as self.socket:
                    async for text in self.socket:
                        failures = 0
                        await self.handle(json.loads(text))
                code = self.socket.close_code
            except websockets.ConnectionClosed:
                code = self.socket.close_code
            except (OSError, websockets.InvalidHandshake):
                code = 1006  # not there yet
            self.socket = None
            if code in FINAL:
                raise SystemExit(f"closed: {code}")
            await asyncio.sleep(random.uniform(0, min(30, 2**failures)))
            failures += 1

    async def handle(self, frame):
        kind = frame["type"]
        if kind == "auth_ok":
            await self.send(type="room:join", roomId=self.room, id="join", after=self.position)
        elif kind == "ack" and frame["ack"] == "join":
            joined = frame["data"]
            if joined["status"] == "error":
                raise SystemExit(joined["message"])
            if self.position is None or not joined.get("recovered"):
                self.position = {"epoch": joined["epoch"], "seq": joined.get("from", joined["seq"] + 1) - 1}
            print("joined", flush=True)
            for key, content in list(self.waiting.items()):
                await self.send_line(key, content)
        elif kind == "ack":
            refused = frame.get("error")
            if refused is None or refused["code"] not in ("RATE_LIMITED", "TIMEOUT", "UNAVAILABLE"):
                self.waiting.pop(frame["ack"], None)
            if refused:
                print(refused["message"], file=sys.stderr)
        elif "seq" in frame and frame.get("roomId") == self.room:
            # What is not in order was shown before.
            if frame["seq"] > self.position["seq"]:
                self.position["seq"] = frame["seq"]
                if kind == "chat:message":
                    print(f"#{frame['seq']} {frame['name']}: {frame['content']}", flush=True)
        elif kind == "error":
            print(frame["message"], file=sys.stderr)

    async def say(self, content):
        key = str(uuid.uuid4())
        self.waiting[key] = content
        if self.socket and self.position:
            await self.send_line(key, content)

    async def send_line(self, key, content):
        # An id of 16 or more characters is a key: the server stores it once, however often it comes.
        await self.send(type="chat:message", roomId=self.room, content=content, id=key)

    async def send(self, **frame):
        try:
            await self.socket.send(json.dumps({name: value for name, value in frame.items() if value is not None}))
        except websockets.ConnectionClosed:
            pass  # `run` notices, and sends again what waits


async def main():
    chat = Chat(*sys.argv[1:4])
    loop = asyncio.get_running_loop()

    def read():
        for line in sys.stdin:
            asyncio.run_coroutine_threadsafe(chat.say(line.rstrip("\n")), loop)

    threading.Thread(target=read, daemon=True).start()
    await chat.run()


asyncio.run(main())
