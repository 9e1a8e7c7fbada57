/**
 * Pages of other sites in a real browser, which decides by itself what they may send and read: with credentials and headers
 * of their own, hidden behind an image, and under a name that was pointed at this machine.
 */

import { readFile } from 'node:fs/promises'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { type Browser, type BrowserServer, chromium, type Page } from 'playwright-core'
import type { io as connectSocketIo } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from './lib/chromium.ts'

declare const io: typeof connectSocketIo

let pages: HttpServer
let pagesPort: number
let engine: BrowserServer
let browser: Browser
/** Lets in the pages of `app.example`, and those of any site. */
let named: Served
let any: Served

interface Served {
  readonly roomful: Roomful
  readonly url: string
  readonly refused: string[]
}

async function serve(corsOrigin: readonly string[]): Promise<Served> {
  const refused: string[] = []
  const roomful = createRoomful({
    data: ':memory:',
    corsOrigin,
    observer: { observe: (fact) => void (fact.type === 'page:refused' && refused.push(fact.reason)) },
  }).standardNamespaces()
  const { port } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  return { roomful, url: `http://127.0.0.1:${port}`, refused }
}

beforeAll(async () => {
  const script = await readFile('node_modules/socket.io-client/dist/socket.io.min.js', 'utf8')
  pages = createServer(({ url }, response) => {
    const isScript = url === '/socket.io.js'
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' })
    response.end(
      isScript ? script : '<!doctype html><link rel="icon" href="data:,"><script src="/socket.io.js"></script>',
    )
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  pagesPort = (pages.address() as AddressInfo).port
  const rules = '--host-resolver-rules=MAP app.example 127.0.0.1,MAP rebound.example 127.0.0.1'
  // Names that lead to this machine; and this browser asks the person before a public page may reach a local server.
  ;[named, any, engine] = await Promise.all([
    serve([`http://app.example:${pagesPort}`]),
    serve(['*']),
    launchChromium([rules, '--disable-features=LocalNetworkAccessChecks']),
  ])
  browser = await chromium.connect(engine.wsEndpoint())
})

afterAll(async () => {
  await browser?.close()
  await engine?.close()
  pages?.close()
  await Promise.all([named?.roomful.close(), any?.roomful.close()])
})

async function open(url = `http://app.example:${pagesPort}/`): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(url)
  return page
}

type Transport = 'polling' | 'websocket'

/** @returns the transport that it is connected by, or the message of its refusal */
function socketIo(page: Page, url: string, transports: Transport[], withCredentials: boolean): Promise<string> {
  return page.evaluate(
    ([url, transports, withCredentials]) =>
      new Promise<string>((resolve) => {
        const extraHeaders = { 'X-Tenant': 'blue', 'Cache-Control': 'no-cache' }
        const auth = { name: 'Ann' }
        const socket = io(`${url}/public`, { transports, withCredentials, extraHeaders, auth, reconnection: false })
        socket.on('connect', () => resolve(socket.io.engine.transport.name))
        socket.on('connect_error', ({ message }) => resolve(message))
      }),
    [url, transports, withCredentials] as const,
  )
}

/** @returns the type of the first event, or `error` */
function eventSource(page: Page, url: string, withCredentials: boolean): Promise<string> {
  return page.evaluate(
    ([url, withCredentials]) =>
      new Promise<string>((resolve) => {
        const source = new EventSource(`${url}/sse/public?room=lobby&name=Eve`, { withCredentials })
        source.onmessage = ({ data }) => resolve(JSON.parse(data).type)
        source.onerror = () => resolve('error')
      }),
    [url, withCredentials] as const,
  )
}

interface Asked {
  readonly method?: 'POST'
  readonly credentials?: 'include'
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** @returns the status, or `blocked` when the browser keeps the answer from the page */
function ask(page: Page, url: string, init: Asked): Promise<number | 'blocked'> {
  return page.evaluate(
    ([url, init]) =>
      fetch(url, init).then(
        ({ status }) => status,
        () => 'blocked' as const,
      ),
    [url, init] as const,
  )
}

describe('[C19] [X16] a page of a named origin', () => {
  it('connects with credentials and headers of its own by every transport', async () => {
    const page = await open()
    expect(await socketIo(page, named.url, ['polling'], true)).toBe('polling')
    expect(await socketIo(page, named.url, ['websocket'], true)).toBe('websocket')
    expect(await eventSource(page, named.url, true)).toBe('welcome')
    const headers = {
      'X-Requested-With': 'XMLHttpRequest',
      'Cache-Control': 'no-cache',
      'Content-Type': 'application/json',
    }
    const credentials = 'include'
    expect(await ask(page, `${named.url}/poll/public?room=lobby&name=Eve`, { credentials, headers })).toBe(200)
    expect(await ask(page, `${named.url}/api/status`, { credentials, headers })).toBe(200)
    const body = '{"type":"chat:message","roomId":"lobby","content":"hello"}'
    const post = { method: 'POST', credentials, headers, body } as const
    expect(await ask(page, `${named.url}/send/public?name=Eve`, post)).toBe(200)
    expect(await ask(page, `${named.url}/api/session`, { ...post, body: '{}' })).toBe(400)
    expect(await ask(page, `${named.url}/link/poll`, { ...post, body: '' })).toBe(200)
    expect(named.refused).toEqual([])
    await page.close()
  })
})

describe('[C19] [X16] a page of any site, where any is let in', () => {
  it('connects without credentials, and not with them', async () => {
    const page = await open()
    expect(await socketIo(page, any.url, ['polling'], false)).toBe('polling')
    expect(await socketIo(page, any.url, ['polling'], true)).toMatch(/error/)
    expect(await eventSource(page, any.url, false)).toBe('welcome')
    expect(await eventSource(page, any.url, true)).toBe('error')
    expect(await ask(page, `${any.url}/api/status`, { headers: { 'X-Tenant': 'blue' } })).toBe(200)
    expect(await ask(page, `${any.url}/api/status`, { credentials: 'include' })).toBe('blocked')
    expect(any.refused).toEqual([])
    await page.close()
  })
})

describe('[R6] a page that hides where it comes from', () => {
  it('[X18] opens no link by an image, a script, a frame or a link', async () => {
    const page = await open()
    await expect.poll(() => hubOf(named.roomful).links.open.size, { timeout: 10_000 }).toBe(0)
    await page.evaluate((url) => {
      const paths = ['/sse/public?room=lobby&name=Eve', '/poll/public?room=lobby&name=Eve', '/link/sse']
      for (const path of [...paths, '/socket.io/?EIO=4&transport=polling']) {
        for (const tag of ['img', 'script', 'iframe'] as const) {
          const element = document.createElement(tag)
          element.src = url + path
          document.body.append(element)
        }
      }
    }, named.url)
    await expect.poll(() => named.refused).toEqual(Array(12).fill('cross-site'))
    await page.evaluate((url) => location.assign(`${url}/sse/public?room=lobby&name=Eve`), named.url)
    await expect.poll(() => page.textContent('body')).toContain('FORBIDDEN')
    expect(hubOf(named.roomful).links.open.size).toBe(0)
    await page.close()
  })

  it('[X17] is not taken for this server under a name that was pointed at this machine', async () => {
    const { port } = new URL(named.url)
    const page = await browser.newPage()
    const response = await page.goto(`http://rebound.example:${port}/client.html`)
    expect(response?.status()).toBe(403)
    const opened = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const socket = new WebSocket(`ws://${location.host}/ws/public?name=Eve`)
          socket.onopen = () => resolve(true)
          socket.onerror = () => resolve(false)
        }),
    )
    expect(opened).toBe(false)
    expect(named.refused.slice(-2)).toEqual(['host', 'host'])
    await page.close()
  })
})

it('[C19] a page of a site that nothing names is refused: cross-site WebSocket hijacking', async () => {
  const roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
  const { port } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  const page = await open()
  const outcome = (origin: string): Promise<unknown> =>
    page.evaluate(`new Promise((resolve) => {
      const ws = new WebSocket('${origin}/ws/public')
      ws.onopen = () => resolve('open')
      ws.onclose = (event) => resolve(event.code)
    })`)
  try {
    expect(await outcome(`ws://127.0.0.1:${port}`)).toBe(1006)
    // The same page, to a server that names its site: it is the name that decides, and nothing else.
    expect(await outcome(named.url.replace('http', 'ws'))).toBe('open')
  } finally {
    await page.close()
    await roomful.close()
  }
})
