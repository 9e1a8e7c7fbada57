/** The snippets of C1, C2 and B6 in a real browser, against the server. C19. */
import { createServer, type Server as HttpServer } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningServer } from '../outside/lib/running-server.ts'
import { snippet } from '../outside/lib/snippet.ts'
import { token } from '../outside/lib/token.ts'
import { hasChromium } from './lib/chromium.ts'
import { openChromium, openServer, restartServer } from './lib/shared.ts'

/** Only the host that the snippets dial is another; their text is as printed. */
const mapping = (url: string): string => `
  window.logged = []
  for (const level of ['log', 'error']) console[level] = (...args) => logged.push(args.map((one) => one instanceof Event ? one.type : one))
  const Native = WebSocket
  window.WebSocket = class extends Native {
    constructor(asked) { super(/^wss:\\/\\/(api\\.)?example\\.com\\/ws$/.test(asked) ? ${JSON.stringify(url)} : asked) }
  }`

/** What B6 asks for, written as its reader would. */
const EXERCISE_6 = `
  let attempts = 0
  function connect() {
    const ws = new WebSocket('wss://api.example.com/ws')
    window.current = ws
    ws.onopen = () => {
      attempts = 0
      console.log('open')
      ws.send(JSON.stringify({ type: 'ping' }))
    }
    ws.onmessage = (event) => console.log('message', JSON.parse(event.data).type)
    ws.onerror = () => console.error('error')
    ws.onclose = (event) => {
      console.log('close', event.code, event.wasClean)
      setTimeout(connect, Math.min(1000 * 2 ** attempts++, 30000))
    }
  }
  connect()`

describe.runIf(hasChromium)('snippets in Chromium', () => {
  let server: RunningServer
  let browser: Browser
  let site: HttpServer
  let siteUrl = ''

  beforeAll(async () => {
    ;[server, browser] = await Promise.all([openServer(), openChromium()])
    site = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>A page of somebody else</title>')
    })
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    const address = site.address()
    siteUrl = `http://localhost:${typeof address === 'object' && address ? address.port : 0}`
  })
  afterAll(async () => {
    await browser?.close()
    site?.close()
  })

  /** A page on `http://localhost:…`, as a developer has it, where snippets run as scripts. */
  async function pageFor(url: string): Promise<Page> {
    const page = await browser.newPage()
    await page.goto(siteUrl)
    await page.addScriptTag({ content: mapping(url) })
    return page
  }
  const run = async (page: Page, ...names: string[]): Promise<void> => {
    for (const name of names) await page.addScriptTag({ content: snippet(name) })
  }
  const logs = async (page: Page, test: string, times = 1): Promise<void> => {
    await page.waitForFunction(`logged.filter((line) => ${test}).length >= ${times}`, undefined, { timeout: 20_000 })
  }

  it.each([
    ['/ws/public', (): string => `${server.ws}/ws/public`],
    ['/ws with a token', (): string => `${server.ws}/ws?token=${token({ sub: 'browser' })}`],
  ])('[C1] the native client runs unmodified on %s', async (_where, url) => {
    const page = await pageFor(url())
    await run(page, 'lifecycle')
    await logs(page, "line[0] === 'Connected to server'")
    await logs(page, "line[0] === 'Received:' && line[1].type === 'welcome'")
    await logs(page, "line[0] === 'Received:' && line[1].type === 'error'")
    await run(page, 'ready-states', 'binary', 'blob', 'close')
    await logs(page, "String(line[0]).startsWith('Disconnected: code=1000')")
    expect(await page.evaluate("logged.filter((line) => line[0] === 'WebSocket error:').length")).toBe(0)
    await page.close()
  })

  it('[C1] text, ArrayBuffer and Blob come back unharmed from /ws/echo', async () => {
    const page = await pageFor(`${server.ws}/ws/echo`)
    await page.addScriptTag({
      content:
        "window.back = []; const ws = new WebSocket('wss://example.com/ws'); ws.binaryType = 'arraybuffer'; ws.onmessage = (event) => back.push(event.data)",
    })
    await page.waitForFunction('ws.readyState === 1')
    await run(page, 'ready-states', 'binary', 'blob')
    await page.waitForFunction('back.length === 3')
    expect(
      await page.evaluate('[back[0], new DataView(back[1]).getFloat64(0), new TextDecoder().decode(back[2])]'),
    ).toEqual(['Server echo: Hello!', 3.14, 'hello'])
    await page.close()
  })

  it('[C2] [B6] ReconnectingWebSocket and the raw client come back after a restart', async () => {
    const [reconnecting, exercise] = [await pageFor(`${server.ws}/ws/public`), await pageFor(`${server.ws}/ws/public`)]
    await run(reconnecting, 'reconnecting')
    await exercise.addScriptTag({ content: EXERCISE_6 })
    await logs(reconnecting, "line[0] === 'Connected!'")
    await logs(exercise, "line[0] === 'message' && line[1] === 'pong'")
    await restartServer('stop')
    await logs(reconnecting, "line[0] === 'Closed:' && line[1] === 1012")
    await logs(exercise, "line[0] === 'close' && line[1] === 1012 && line[2] === true")
    await logs(reconnecting, "line[0] === 'Connected!'", 2)
    await logs(exercise, "line[0] === 'message' && line[1] === 'pong'", 2)
    await Promise.all([reconnecting.close(), exercise.close()])
  })

  it('[A3.4] [C19] a browser carries its token as a subprotocol', async () => {
    const page = await pageFor('')
    const { protocol, first } = (await page.evaluate(`new Promise((resolve, reject) => {
      const ws = new Native('${server.ws}/ws', ['roomful.plain', 'bearer.${token({ sub: 'sub-browser' })}'])
      ws.onerror = () => reject(new Error('refused'))
      ws.onmessage = (event) => { if (JSON.parse(event.data).type === 'auth_ok') resolve({ protocol: ws.protocol, first: JSON.parse(event.data) }) }
    })`)) as { protocol: string; first: Record<string, unknown> }
    expect(protocol).toBe('roomful.plain')
    expect(first).toMatchObject({ user: { sub: 'sub-browser' } })
    await page.close()
  })
})
