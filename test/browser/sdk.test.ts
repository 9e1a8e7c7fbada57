/** The SDK as a browser loads it: one bundle for browsers, in two pages of a real Chromium, against a real server. */

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Middlebox } from '../../packages/client/test/support/middlebox.ts'
import { openChromium } from './lib/shared.ts'

declare global {
  interface Window {
    sdk: typeof import('@roomful/client')
    client: import('@roomful/client').Client
    room: import('@roomful/client').Room
    heard: string[]
  }
}

const PAGE = `<!doctype html><title>SDK</title>
<script type="module">import * as sdk from '/client.js'; window.sdk = sdk</script>`

let browser: Browser
let server: Server
let roomful: Roomful
let url: string

beforeAll(async () => {
  const bundle = await build({
    entryPoints: { client: 'packages/client/src/index.ts' },
    ...{ bundle: true, splitting: true, outdir: '/', minify: true, format: 'esm', platform: 'browser' },
    ...{ conditions: ['source'], write: false },
  })
  const scripts = new Map(bundle.outputFiles.map(({ path, text }) => [path, text]))
  server = createServer((request, response) => {
    const script = scripts.get(request.url ?? '')
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? PAGE)
  })
  roomful = createRoomful({ data: ':memory:', jwtSecret: 'x'.repeat(32) })
    .standardNamespaces()
    .attach(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/page`
  browser = await openChromium()
})

afterAll(async () => {
  await browser?.close()
  await roomful?.close()
  server?.close()
})

async function openPage(name: string, at = url): Promise<Page> {
  const page = await browser.newPage()
  await page.clock.install()
  await page.goto(at)
  await page.evaluate(async (name) => {
    window.client = window.sdk.connect('/', { namespace: '/public', name })
    window.room = window.client.room('lobby')
    window.heard = []
    window.room.on('message:new', ({ name, content }) => window.heard.push(`${name}: ${content}`))
    await window.room.ready
  }, name)
  return page
}

const names = (page: Page) => page.evaluate(() => window.room.members.map(({ name }) => name).sort())

it('[C18] [B25] two pages meet, talk, are cut off, and miss nothing', async () => {
  const [ann, bob] = [await openPage('Ann'), await openPage('Bob')]
  await expect.poll(() => names(ann)).toEqual(['Ann', 'Bob'])
  await bob.evaluate(() => window.room.send('hello 👋'))
  await expect.poll(() => ann.evaluate(() => window.heard)).toEqual(['Bob: hello 👋'])

  for (const link of [...hubOf(roomful).links.open]) link.terminate('cable cut')
  await bob.evaluate(() => window.room.send('still there?'))
  await ann.evaluate(() => window.room.send('yes'))
  for (const page of [ann, bob]) {
    await expect.poll(() => page.evaluate(() => window.heard)).toHaveLength(3)
    expect(await page.evaluate(() => window.client.state)).toMatchObject({ status: 'open', recovered: true })
  }
  expect(await ann.evaluate(() => window.heard)).toEqual(await bob.evaluate(() => window.heard))

  await bob.close()
  await expect.poll(() => names(ann), { timeout: 10_000 }).toEqual(['Ann'])
})

it('[C17] a page that no WebSocket gets out of uses HTTP, and changes over unnoticed when one does', async () => {
  const middlebox = await new Middlebox(Number(new URL(url).port)).listen()
  middlebox.rules.upgrades = 'swallow'
  try {
    const [cat, dan] = [await openPage('Cat', `${middlebox.url}/page`), await openPage('Dan')]
    const carried = (): Promise<unknown> =>
      cat.evaluate(() => (window.client.state as { transport?: string }).transport)
    expect(await carried()).toBe('sse')
    await cat.evaluate(() => window.room.send('over HTTP 👋\nsecond line'))
    await expect.poll(() => dan.evaluate(() => window.heard)).toEqual(['Cat: over HTTP 👋\nsecond line'])
    const { connectionId } = await cat.evaluate(() => window.client.state as { connectionId: string })
    middlebox.rules.upgrades = 'pass'
    await cat.clock.fastForward(15_000) // the pause before it tries again
    await expect.poll(carried, { timeout: 30_000 }).toBe('websocket')
    await dan.evaluate(() => window.room.send('welcome back'))
    await expect.poll(() => cat.evaluate(() => window.heard)).toHaveLength(2)
    expect(await cat.evaluate(() => window.client.state)).toMatchObject({ status: 'open', connectionId })
    for (const page of [cat, dan]) await page.close()
  } finally {
    await middlebox.close()
  }
})

it('[C2] ReconnectingWebSocket comes back in a browser', async () => {
  const page = await browser.newPage()
  await page.goto(url)
  const opens = page.evaluate(async () => {
    return new Promise<number[]>((resolve) => {
      const codes: number[] = []
      let opens = 0
      const ws = new window.sdk.ReconnectingWebSocket(`${location.origin.replace('http', 'ws')}/ws/public`, {
        reconnectInterval: 50,
        onopen: () => {
          document.title = 'open'
          if (++opens === 2) {
            ws.close()
            resolve(codes)
          }
        },
        onclose: ({ code }) => codes.push(code),
      })
    })
  })
  await page.waitForFunction(() => document.title === 'open')
  for (const link of [...hubOf(roomful).links.open]) link.terminate('cable cut')
  await expect(opens).resolves.toEqual([1006])
})
