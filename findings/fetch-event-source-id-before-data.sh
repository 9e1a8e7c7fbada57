#!/usr/bin/env bash
# fetch-event-source 2.0.1 moves to an id as soon as its line is read, and not with the event that it belongs to. A stream that
# is cut between `id:` and `data:` resumes behind an event that was never handed on. The HTML standard moves with the event.
# So an id has to follow its data. Fails when the package behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-save --no-audit --no-fund @microsoft/fetch-event-source@2.0.1 >/dev/null
cat > run.cjs <<'JS'
const { createServer } = require('node:http')
const { version } = require('@microsoft/fetch-event-source/package.json')
Object.assign(globalThis, { window: globalThis, document: new EventTarget() })
const { fetchEventSource } = require('@microsoft/fetch-event-source')
const asked = (order) => new Promise((resolve) => {
  let requests = 0
  const heard = []
  const stop = new AbortController()
  const server = createServer((request, response) => {
    if (++requests === 2) {
      resolve({ heard, resumesAfter: request.headers['last-event-id'] })
      stop.abort()
      response.destroy()
      return server.close()
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`retry: 10\ndata: one\nid: 1\n\n${order === 'id first' ? 'id: 2\ndata: tw' : 'data: tw'}`)
    setTimeout(() => response.destroy(), 100)
  }).listen(0, '127.0.0.1', () => {
    const url = `http://127.0.0.1:${server.address().port}/`
    fetchEventSource(url, { signal: stop.signal, openWhenHidden: true, onmessage: ({ data }) => heard.push(data) })
  })
})
setTimeout(() => process.exit(1), 10_000).unref()
;(async () => {
  const idFirst = await asked('id first')
  const dataFirst = await asked('data first')
  console.log(`fetch-event-source ${version}, Node ${process.versions.node}`)
  console.log('id before data, cut between them:', JSON.stringify(idFirst))
  console.log('data before id, cut within data: ', JSON.stringify(dataFirst))
  const isAsFound = idFirst.resumesAfter === '2' && !idFirst.heard.includes('two') && dataFirst.resumesAfter === '1'
  console.log(isAsFound ? 'as found: the first one has lost an event' : 'CHANGED')
  process.exit(isAsFound ? 0 : 1)
})()
JS
node run.cjs
