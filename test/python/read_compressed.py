"""Joins a room over a WebSocket that offers compression, and prints the content of each message, one JSON line each."""
import asyncio
import json
import sys

library, url = sys.argv[1:3]
JOIN = json.dumps({"type": "room:join", "roomId": "lobby", "id": 1})


def tell(text):
    frame = json.loads(text)
    if frame["type"] == "ack":
        print(json.dumps("joined"), flush=True)
    if frame["type"] == "chat:message":
        print(json.dumps(frame["content"]), flush=True)


async def with_websockets():
    import websockets

    async with websockets.connect(url) as socket:
        print(json.dumps([each.name for each in socket.extensions]), flush=True)
        await socket.send(JOIN)
        async for text in socket:
            tell(text)


async def with_aiohttp():
    import aiohttp

    async with aiohttp.ClientSession() as session, session.ws_connect(url, compress=15) as socket:
        print(json.dumps(["permessage-deflate"] if socket.compress else []), flush=True)
        await socket.send_str(JOIN)
        async for message in socket:
            tell(message.data)


asyncio.run({"websockets": with_websockets, "aiohttp": with_aiohttp}[library]())
