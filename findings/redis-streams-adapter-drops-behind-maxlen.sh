#!/usr/bin/env bash
# @socket.io/redis-streams-adapter 0.3.1 trims its stream to about 10,000 entries (maxLen) whoever has read them. A node that
# reads more slowly than others publish goes on behind what was trimmed: its clients miss those events, in the middle, and
# neither they nor the server are told. So rows that are gone must show as a hole in numbers. Fails when the package behaves
# otherwise. Needs redis-server.
set -euo pipefail
folder=$(mktemp -d)
port=$((20000 + RANDOM % 10000))
redis-server --port "$port" --bind 127.0.0.1 --dir "$folder" --save '' >/dev/null &
redis=$!
trap 'kill "$redis"; wait "$redis" || true; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-save --no-audit --no-fund \
  socket.io@4.8.4 socket.io-client@4.8.4 @socket.io/redis-streams-adapter@0.3.1 redis@6.3.1 >/dev/null
cat > run.cjs <<'JS'
const { Server } = require('socket.io')
const { io: connect } = require('socket.io-client')
const { createAdapter } = require('@socket.io/redis-streams-adapter')
const { createClient } = require('redis')
const COUNT = 40_000
setTimeout(() => process.exit(1), 60_000).unref()
const open = async () => {
  const redis = createClient({ url: `redis://127.0.0.1:${process.argv[2]}` })
  await redis.connect()
  const node = new Server(0, { adapter: createAdapter(redis), transports: ['websocket'] })
  await new Promise((resolve) => setTimeout(resolve, 300)) // for its first XREAD
  return { node, port: node.httpServer.address().port }
}
;(async () => {
  const [one, two] = [await open(), await open()]
  const client = connect(`http://127.0.0.1:${two.port}`, { transports: ['websocket'] })
  const received = []
  let events = 0
  client.on('tick', (n) => received.push(n))
  client.on('disconnect', () => events++).on('connect_error', () => events++)
  await new Promise((resolve) => client.once('connect', resolve))
  for (let n = 1; n <= COUNT; n++) one.node.emit('tick', n) // in one turn, as a job that writes to everyone does
  while (received.at(-1) !== COUNT) await new Promise((resolve) => setTimeout(resolve, 50))
  const holes = received.filter((n, i) => i > 0 && n !== received[i - 1] + 1).length + (received[0] === 1 ? 0 : 1)
  const { version } = require('@socket.io/redis-streams-adapter/package.json')
  console.log(`redis-streams-adapter ${version}, Node ${process.versions.node}`)
  console.log(`${COUNT} events to everyone; a client of the other node received ${received.length}, with ${holes} hole(s)`)
  console.log(`disconnects and errors that the client was told: ${events}`)
  const isAsFound = received.length < COUNT && holes > 0 && events === 0
  console.log(isAsFound ? 'as found: events are left out silently' : 'CHANGED')
  process.exit(isAsFound ? 0 : 1)
})()
JS
node run.cjs "$port"
