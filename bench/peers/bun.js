/** A room server on Bun's own `publish`, which is written in C++ and C. It numbers and keeps nothing. Run by Bun. */
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, bun) {
    const { pathname } = new URL(request.url)
    if (pathname === '/ws') return bun.upgrade(request, { data: {} }) ? undefined : new Response('', { status: 400 })
    if (pathname === '/gc') Bun.gc(true)
    return Response.json({})
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 960,
    message(socket, text) {
      const message = JSON.parse(text)
      if (message.t === 'join') {
        socket.subscribe(message.r)
        socket.send('{"t":"joined"}')
      } else if (message.t === 'pub') server.publish(message.r, JSON.stringify(message))
    },
  },
})
console.log(`Bun on http://127.0.0.1:${server.port}`)
