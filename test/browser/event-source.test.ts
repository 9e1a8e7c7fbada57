/** Chromium's own `EventSource`, a polyfill and a reader over fetch in one page: back after a restart with what was missed. C17, D2. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRoomful, type Roomful } from '@roomful/server'
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openChromium } from './lib/shared.ts'

declare global {
  interface Window {
    /** By reader, the data of each message. */
    readings: Record<string, string[]>
    readAll(url: string): void
  }
}

const PAGE = '<!doctype html><title>Readers</title><script type="module" src="/readers.js"></script>'
const READERS = `
import { fetchEventSource } from '@microsoft/fetch-event-source'
import { EventSourcePolyfill } from 'event-source-polyfill'
window.readings = { native: [], polyfill: [], fetch: [] }
window.readAll = (url) => {
  const as = (name) => url + '&name=' + name
  new EventSource(as('native')).onmessage = ({ data }) => window.readings.native.push(data)
  new EventSourcePolyfill(as('polyfill')).onmessage = ({ data }) => window.readings.polyfill.push(data)
  fetchEventSource(as('fetch'), { onmessage: ({ data }) => window.readings.fetch.push(data) })
    .then(() => window.readings.fetch.push('{"content":"the body ended"}'))
}`

let browser: Browser
let pages: Server
let roomful: Roomful
let pageUrl: string
const folder = mkdtempSync(join(tmpdir(), 'roomful-event-source-'))

const start = async (port: number): Promise<{ url: string; port: number }> => {
  roomful = createRoomful({ data: join(folder, 'rooms.db'), jwtSecret: 'x'.repeat(32) }).standardNamespaces()
  return await roomful.listen({ port, host: '127.0.0.1' })
}

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: { contents: READERS, resolveDir: process.cwd() },
    ...{ bundle: true, format: 'esm', platform: 'browser', write: false },
  })
  const script = outputFiles[0]?.text ?? ''
  pages = createServer(({ url }, response) => {
    response.setHeader('content-type', url === '/readers.js' ? 'text/javascript' : 'text/html')
    response.end(url === '/readers.js' ? script : PAGE)
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  pageUrl = `http://localhost:${(pages.address() as AddressInfo).port}/`
  browser = await openChromium()
})

afterAll(async () => {
  await browser?.close()
  await roomful?.close()
  pages?.close()
  rmSync(folder, { recursive: true, force: true })
})

it('[V23] [C17] [D2] [D9] readers in a page miss nothing across a restart, and get no empty message', async () => {
  const { url, port } = await start(0)
  const page = await browser.newPage()
  await page.goto(pageUrl)
  await page.waitForFunction(() => window.readAll !== undefined)
  await page.evaluate((at) => window.readAll(`${at}/sse/public?room=lobby`), url)
  const readings = () => page.evaluate(() => window.readings)
  const contents = async () =>
    Object.fromEntries(
      Object.entries(await readings()).map(([name, heard]) => [
        name,
        heard.flatMap((data) => (data === '' ? 'empty' : (JSON.parse(data).content ?? []))),
      ]),
    )
  const toAll = (...said: string[]) => ({ native: said, polyfill: said, fetch: said })
  const say = async (content: string): Promise<void> => {
    const body = JSON.stringify({ type: 'chat:message', roomId: 'lobby', content })
    const response = await fetch(`${url}/send/public?name=Ben`, { method: 'POST', body })
    if (!response.ok) throw new Error(await response.text())
  }
  await expect
    .poll(async () => Object.values(await readings()).every((heard) => heard.join().includes('room:joined')))
    .toBe(true)
  await say('before')
  await expect.poll(contents).toEqual(toAll('before'))
  await roomful.close()
  await start(port)
  await say('missed')
  await expect.poll(contents, { timeout: 15_000 }).toEqual(toAll('before', 'missed'))
  await say('after')
  await expect.poll(contents).toEqual(toAll('before', 'missed', 'after'))
  await page.close()
})
