/** The hooks as a browser loads them: React's development build under Strict Mode, two pages, a real server. B21. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful, type Roomful } from '@roomful/server'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasChromium, seriousTroublesOf } from './lib/chromium.ts'
import { openChromium } from './lib/shared.ts'

const APP = `
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { RoomfulProvider, useConnection, useMessages, usePresence } from '@roomful/react'

function Connection() {
  return <p>connection: {useConnection().status}</p>
}
function Members() {
  const { members, status } = usePresence('lobby')
  return <p>{status}: {members.map(({ name }) => name).sort().join(', ')}</p>
}
function Messages() {
  const { messages, send } = useMessages('lobby')
  return <>
    <ol>{messages.map(({ localId, name, content, status }) => <li key={localId}>{name}: {content} ({status})</li>)}</ol>
    <button onClick={() => send('hello')}>say hello</button>
  </>
}
function App() {
  const [isShown, setShown] = useState(true)
  return <>
    <button onClick={() => setShown(!isShown)}>toggle</button>
    {isShown && <><Members /><Members /><Messages /></>}
  </>
}
const name = new URLSearchParams(location.search).get('name')
createRoot(document.body).render(
  <StrictMode>
    <RoomfulProvider url="/" options={{ namespace: '/public', name }}><Connection /><App /></RoomfulProvider>
  </StrictMode>,
)`

describe.runIf(hasChromium)('[B21] the hooks in Chromium', () => {
  let browser: Browser
  let server: Server
  let roomful: Roomful
  let url: string
  const opened: string[] = []
  const moves: string[] = []

  beforeAll(async () => {
    const bundle = await build({
      stdin: { contents: APP, loader: 'tsx', resolveDir: 'packages/react' },
      ...{ bundle: true, format: 'esm', platform: 'browser', conditions: ['source'], write: false, jsx: 'automatic' },
      define: { 'process.env.NODE_ENV': '"development"' }, // the build that mounts twice
    })
    const script = bundle.outputFiles[0]?.text ?? ''
    server = createServer((request, response) => {
      const isScript = request.url === '/app.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(
        isScript ? script : '<!doctype html><title>App</title><body><script type=module src=/app.js></script>',
      )
    })
    roomful = createRoomful({ data: ':memory:', jwtSecret: 'x'.repeat(32) })
      .standardNamespaces()
      .attach(server)
    const namespace = roomful.get('/public')
    namespace.on('connect', ({ user }) => opened.push(user.name))
    namespace.on('join', ({ user }, roomId) => moves.push(`+${user.name} ${roomId}`))
    namespace.on('leave', ({ user }, roomId) => moves.push(`-${user.name} ${roomId}`))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/page`
    browser = await openChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await roomful?.close()
    server?.close()
  })

  async function openPage(name: string): Promise<{ page: Page; troubles: string[] }> {
    const page = await browser.newPage()
    const troubles = seriousTroublesOf(page)
    await page.goto(`${url}?name=${name}`)
    await page.getByText('connection: open').waitFor()
    return { page, troubles }
  }

  it('one connection and one join each; a message is there at once and once; the room is left with the last component', async () => {
    const ann = await openPage('Ann')
    await ann.page.getByText('joined: Ann').first().waitFor()
    const bob = await openPage('Bob')
    for (const { page } of [ann, bob]) await expect.poll(() => page.getByText('joined: Ann, Bob').count()).toBe(2)
    expect(opened).toEqual(['Ann', 'Bob'])
    expect(moves).toEqual(['+Ann lobby', '+Bob lobby'])

    await ann.page.getByRole('button', { name: 'say hello' }).click()
    for (const { page } of [ann, bob]) {
      await page.getByText('Ann: hello (sent)').waitFor()
      expect(await page.getByRole('listitem').count()).toBe(1)
    }

    await ann.page.getByRole('button', { name: 'toggle' }).click()
    await bob.page.getByText('joined: Bob').first().waitFor()
    await ann.page.getByRole('button', { name: 'toggle' }).click()
    await ann.page.getByText('Ann: hello (sent)').waitFor()
    expect(moves.slice(2)).toEqual(['-Ann lobby', '+Ann lobby'])
    expect(opened).toEqual(['Ann', 'Bob'])
    for (const { troubles } of [ann, bob]) expect(troubles).toEqual([])
  })
})
