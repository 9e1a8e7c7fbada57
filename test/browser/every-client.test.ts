/**
 * One room in a real browser: its own `WebSocket` and `EventSource`, the official Socket.IO bundle, polls by `fetch`, and our
 * SDK's bundle, on one page of another origin, against the real server. D1.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningServer } from '../outside/lib/running-server.ts'
import { token } from '../outside/lib/token.ts'
import { seriousTroublesOf } from './lib/chromium.ts'
import { openChromium, openServer } from './lib/shared.ts'

const PAGE = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>One room</title>
<script src="/socket.io.js"></script>
<script type="module" src="/every-client.js"></script>`

const KINDS = ['WebSocket', 'EventSource', 'Socket.IO polling', 'Socket.IO', 'long poll', 'short poll', 'SDK']

let browser: Browser
let server: RunningServer
let pages: HttpServer
let origin: string

beforeAll(async () => {
  const bundle = await build({
    entryPoints: ['test/browser/lib/every-client.ts'],
    ...{ bundle: true, format: 'esm', platform: 'browser', conditions: ['source'], write: false },
  })
  const files: Record<string, readonly [type: string, body: string]> = {
    '/socket.io.js': ['text/javascript', await readFile('node_modules/socket.io-client/dist/socket.io.min.js', 'utf8')],
    '/every-client.js': ['text/javascript', bundle.outputFiles[0]?.text ?? ''],
  }
  pages = createServer(({ url = '' }, response) => {
    const [type, body] = files[url] ?? ['text/html', PAGE]
    response.writeHead(200, { 'content-type': type }).end(body)
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  origin = `http://localhost:${(pages.address() as AddressInfo).port}`
  ;[server, browser] = await Promise.all([openServer(), openChromium()])
})

afterAll(async () => {
  await browser?.close()
  pages?.close()
})

describe('[D1] [B11] [C9] [C17] one room in a browser', () => {
  it('has every kind of client in it, each of which speaks, and all hear the same under the same numbers', async () => {
    const page = await browser.newPage()
    const troubles = seriousTroublesOf(page)
    await page.goto(origin)
    await page.waitForFunction(() => 'meet' in globalThis)
    const tokens = Object.fromEntries(KINDS.map((kind) => [kind, token({ sub: kind.replaceAll(' ', '-') })]))
    const heard = await page.evaluate(([url, tokens]) => window.meet(url, tokens), [
      `http://localhost:${server.port}`,
      tokens,
    ] as const)
    const reference = heard.WebSocket
    expect(Object.keys(heard)).toEqual(KINDS)
    expect(reference?.map(({ seq }) => seq)).toEqual(Array.from({ length: 2 * KINDS.length }, (_, index) => index + 1))
    for (const kind of KINDS) expect(heard[kind], kind).toEqual(reference)
    expect(new Set(reference?.map(({ userId }) => userId)).size).toBe(KINDS.length)
    expect(troubles).toEqual([])
  })
})
