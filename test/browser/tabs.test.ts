/**
 * One connection for all tabs (`shareTabs`), by a shared worker and by a leading tab, in a real Chromium whose back/forward
 * cache is on, which test drivers switch off otherwise.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { type BuildOptions, build } from 'esbuild'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasChromium, launchChromium } from './lib/chromium.ts'

const PAGE = `<!doctype html><title>Tabs</title>
<script type="module">import * as sdk from '/client.js'; window.sdk = sdk</script>`
/** The page of an update: its bundler gave the worker another name. */
const NEW_PAGE = PAGE.replace('/client.js', '/new/client.js')

const OTHER_PAGE = `<!doctype html><title>Other</title><script>fetch('/go').then(() => history.back())</script>`
const PAGES: Record<string, string> = { '/page': PAGE, '/new': NEW_PAGE, '/other': OTHER_PAGE }

type Mode = 'worker' | 'leader'

let browser: Browser
let server: Server
let roomful: Roomful
let url: string
let context: BrowserContext
let closeBrowser: () => Promise<void>
/** One for each test. */
let room: string
let rooms = 0
/** Answers the request of a page that waits. */
let release: (() => void) | undefined
let onReport: (report: unknown) => void

beforeAll(async () => {
  const options: BuildOptions & { write: false } = {
    ...{
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['source'],
      outdir: '/',
      write: false,
    },
  }
  const outputs = await Promise.all([
    build({ ...options, entryPoints: { client: 'packages/client/src/index.ts' }, splitting: true }),
    build({ ...options, entryPoints: ['packages/client/src/tabs/worker.ts'], outExtension: { '.js': '.ts' } }),
  ])
  const scripts = new Map(outputs.flatMap(({ outputFiles }) => outputFiles.map(({ path, text }) => [path, text])))
  server = createServer((request, response) => {
    const path = request.url ?? ''
    if (path === '/go') {
      release = () => response.end()
      return
    }
    if (path === '/report') {
      response.end()
      void json(request).then((report) => onReport(report))
      return
    }
    const script = scripts.get(path.replace('/new/', '/'))
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? PAGES[path] ?? '')
  })
  roomful = createRoomful({ data: ':memory:', jwtSecret: 'x'.repeat(32), ratePerSecond: 0, ratePerMinute: 0 })
    .standardNamespaces()
    .attach(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/page`
  const launched = await launchChromium([], ['--disable-back-forward-cache'])
  closeBrowser = () => launched.close()
  browser = await chromium.connect(launched.wsEndpoint())
})

afterAll(async () => {
  await closeBrowser?.()
  await roomful?.close()
  server?.close()
})

beforeEach(async () => {
  context = await browser.newContext()
  room = `room-${++rooms}`
  release = undefined
})

afterEach(async () => {
  await context.close()
  await expect.poll(links).toBe(0)
})

const links = (): number => hubOf(roomful).links.open.size
const connections = (): number => roomful.get('/public').connections.size

/** A tab with a client that is in the room. */
async function openTab(mode: Mode, name: string, at = url): Promise<Page> {
  const page = await context.newPage()
  await page.goto(at)
  await join(page, mode, name)
  return page
}

async function join(page: Page, mode: Mode, name: string): Promise<void> {
  await page.waitForFunction(() => 'sdk' in window)
  await page.evaluate(
    async ({ mode, name, room }) => {
      const shareTabs = mode === 'worker' ? true : { worker: false as const }
      window.client = window.sdk.connect('/', { namespace: '/public', name, shareTabs })
      window.room = window.client.room(room)
      window.heard = []
      window.room.on('message:new', ({ name, content }) => window.heard.push(`${name}: ${content}`))
      await window.room.ready
    },
    { mode, name, room },
  )
}

const heard = (page: Page): Promise<string[]> => page.evaluate(() => window.heard)
const names = (page: Page): Promise<string[]> => page.evaluate(() => window.room.members.map(({ name }) => name).sort())
const idOf = (page: Page): Promise<string> =>
  page.evaluate(() => (window.client.state as { connectionId: string }).connectionId)
const say = (page: Page, content: string): Promise<unknown> => page.evaluate((text) => window.room.send(text), content)
const state = (page: Page) => page.evaluate(() => window.client.state)

async function crash(page: Page): Promise<void> {
  const session = await context.newCDPSession(page)
  const crashed = page.waitForEvent('crash')
  session.send('Page.crash').catch(() => undefined)
  await crashed
}

/**
 * Goes to another page and back; the driver cannot speak with a page that was in the cache, so that one reports.
 * @returns what brings it back, and resolves once it is open and has received this many messages
 */
async function goAway(page: Page, messages: number): Promise<() => Promise<unknown>> {
  const isAway = page.waitForURL('**/other', { waitUntil: 'commit' })
  const asked = page.waitForRequest('**/go')
  await page.evaluate((messages) => {
    addEventListener('pageshow', ({ persisted }) => {
      if (!persisted) return
      const timer = setInterval(() => {
        if (window.client.state.status !== 'open' || window.heard.length < messages) return
        clearInterval(timer)
        const { heard, client } = window
        void fetch('/report', { method: 'POST', body: JSON.stringify({ heard, state: client.state }) })
      }, 20)
    })
    location.href = '/other'
  }, messages)
  await Promise.all([isAway, asked])
  await expect.poll(() => release).toBeDefined()
  return () => {
    const report = new Promise((resolve) => {
      onReport = resolve
    })
    release?.()
    return report
  }
}

/**
 * Stands still as a page that the browser froze: it waits for an answer, and none of its code runs.
 * @returns lets it go on
 */
async function freeze(page: Page): Promise<() => void> {
  const asked = page.waitForRequest('**/go')
  await page.evaluate(() => {
    setTimeout(() => {
      const request = new XMLHttpRequest()
      request.open('GET', '/go', false)
      request.send()
    })
  })
  await asked
  await expect.poll(() => release).toBeDefined()
  return release as () => void
}

describe.runIf(hasChromium).each<Mode>(['worker', 'leader'])('[D13] tabs that share a connection by a %s', (mode) => {
  it('have one WebSocket, and each its own connection, name and place in the room', async () => {
    const tabs = [await openTab(mode, 'Ann'), await openTab(mode, 'Ben'), await openTab(mode, 'Cat')] as const
    expect([links(), connections()]).toEqual([1, 3])
    expect(new Set(await Promise.all(tabs.map(idOf))).size).toBe(3)
    for (const tab of tabs) await expect.poll(() => names(tab)).toEqual(['Ann', 'Ben', 'Cat'])
    await say(tabs[1], 'hello 👋')
    for (const tab of tabs) await expect.poll(() => heard(tab)).toEqual(['Ben: hello 👋'])
    expect(await state(tabs[0])).toMatchObject({ status: 'open', transport: 'websocket' })
    await tabs[1].close()
    await expect.poll(() => names(tabs[2])).toEqual(['Ann', 'Cat'])
    expect([links(), connections()]).toEqual([1, 2])
  })

  it('go on where they were when the tab whose process has the connection crashes', async () => {
    const first = await openTab(mode, 'First')
    const [ann, ben] = [await openTab(mode, 'Ann'), await openTab(mode, 'Ben')]
    await expect.poll(() => names(ben)).toEqual(['Ann', 'Ben', 'First'])
    const before = await idOf(ann)
    await say(ann, 'one')
    await crash(first)
    await expect.poll(connections, { timeout: 10_000 }).toBe(2)
    await say(ben, 'two')
    for (const tab of [ann, ben]) await expect.poll(() => heard(tab)).toEqual(['Ann: one', 'Ben: two'])
    expect([links(), await idOf(ann)]).toEqual([1, before])
    expect(await state(ben)).toMatchObject({ status: 'open', recovered: true })
    // Of those who are back the others saw nothing.
    expect(await names(ben)).toEqual(['Ann', 'Ben', 'First'])
  })

  it('lose nothing by a tab that is frozen, which catches up when it goes on', async () => {
    const ann = await openTab(mode, 'Ann')
    const ben = await openTab(mode, 'Ben')
    const before = connections()
    const thaw = await freeze(ben)
    for (let i = 0; i < 30; i++) await say(ann, `${i} ${'x'.repeat(30_000)}`)
    await expect.poll(connections).toBe(before - 1) // what waits for a tab has a bound
    expect(await heard(ann)).toHaveLength(30)
    expect(await state(ann)).toMatchObject({ status: 'open' })
    thaw()
    await expect
      .poll(async () => (await heard(ben)).map((text) => Number(text.split(' ')[1])), { timeout: 10_000 })
      .toEqual(Array.from({ length: 30 }, (_, i) => i))
    expect([links(), connections()]).toEqual([1, before])
  })

  it('come back from the back/forward cache with the session that they had', async () => {
    const ann = await openTab(mode, 'Ann')
    const ben = await openTab(mode, 'Ben')
    const before = await idOf(ben)
    const back = await goAway(ben, 1)
    await say(ann, 'while you were away')
    expect(await back()).toMatchObject({
      heard: ['Ann: while you were away'],
      state: { status: 'open', connectionId: before, recovered: true },
    })
    expect(links()).toBe(1)
    await expect.poll(() => names(ann)).toEqual(['Ann', 'Ben'])
  })

  it('come back from the cache when there was no other tab', async () => {
    const ann = await openTab(mode, 'Ann')
    const before = await idOf(ann)
    await say(ann, 'one')
    const back = await goAway(ann, 2)
    await roomful.get('/public').publish(room, 'message:new', [{ userId: 'x', name: 'X', content: 'two' }])
    expect(await back()).toMatchObject({
      heard: ['Ann: one', 'X: two'],
      state: { status: 'open', connectionId: before, recovered: true },
    })
    expect(links()).toBe(1)
  })

  it('sign out together, and sign in again when each is asked to', async () => {
    const [ann, ben] = [await openTab(mode, 'Ann'), await openTab(mode, 'Ben')]
    await ann.evaluate(() => window.client.signOut())
    for (const tab of [ann, ben])
      await expect.poll(() => state(tab)).toMatchObject({ status: 'closed', ending: { code: 1000 } })
    await expect.poll(connections).toBe(0)
    await ben.evaluate(() => window.client.connect())
    await expect.poll(() => state(ben)).toMatchObject({ status: 'open', recovered: false })
    expect(await state(ann)).toMatchObject({ status: 'closed' })
  })
})

describe.runIf(hasChromium)('[D13] a shared worker', () => {
  it('of an update runs beside that of the version before, until the last page of it is gone', async () => {
    const old = await openTab('worker', 'Old')
    const updated = await openTab('worker', 'New', url.replace('/page', '/new'))
    for (const tab of [old, updated]) await expect.poll(() => names(tab)).toEqual(['New', 'Old'])
    expect(links()).toBe(2)
    await say(old, 'hello')
    await expect.poll(() => heard(updated)).toEqual(['Old: hello'])
    await old.close()
    await expect.poll(links).toBe(1)
    await expect.poll(() => names(updated)).toEqual(['New'])
  })

  it('that cannot be loaded is done without: one of the tabs has the connection', async () => {
    await context.route('**/worker.ts', (route) => route.fulfill({ status: 404, body: 'gone' }))
    const [ann, ben] = [await openTab('worker', 'Ann'), await openTab('worker', 'Ben')]
    await say(ann, 'hello')
    await expect.poll(() => heard(ben)).toEqual(['Ann: hello'])
    expect([links(), connections()]).toEqual([1, 2])
  })
})
