/** The SDK where there is no page: only what React Native has, with its usual polyfills, is there. */
import { createContext, runInContext } from 'node:vm'
import { createRoomful, type Roomful } from '@roomful/server'
import { build } from 'esbuild'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'

let roomful: Roomful | undefined
afterEach(() => roomful?.close())

const sockets: WebSocket[] = []
let isOffline = false
class Socket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(isOffline ? 'ws://127.0.0.1:9' : url, protocols)
    sockets.push(this)
  }
}

/** Globals of Hermes and React Native; `URL` and `crypto.getRandomValues` come from polyfills. No page, storage, or events. */
const NATIVE = {
  WebSocket: Socket,
  ...{ fetch, URL, URLSearchParams, AbortController, TextEncoder, setTimeout, clearTimeout, queueMicrotask },
  crypto: { getRandomValues: (bytes: Uint8Array) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>) },
  performance: { now: () => performance.now() },
  console,
}

type Sdk = Pick<typeof import('@roomful/client'), 'connect'>

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `export { connect } from '@roomful/client'`, resolveDir: import.meta.dirname },
    ...{ bundle: true, write: false, format: 'iife', globalName: 'sdk', platform: 'neutral', target: 'es2022' },
    conditions: ['source', 'react-native'],
  } as const)
  return outputFiles[0]?.text ?? ''
}

async function load(): Promise<Sdk> {
  const context = createContext({ ...NATIVE })
  runInContext(await bundle(), context)
  return (context as unknown as { sdk: Sdk }).sdk
}

it('works with what React Native has, and comes back at once when the app says that it is active', async () => {
  roomful = createRoomful({ data: ':memory:', port: 0 }).standardNamespaces()
  const { url } = await roomful.listen()
  const { connect } = await load()
  const ended = vi.fn()
  let wake: (isOnline: boolean) => void = () => undefined
  const onWake = (fn: (isOnline: boolean) => void) => {
    wake = fn
    return ended
  }
  // The first wait is as long as it can be, so that only the wake can end it soon.
  const client = connect(url, {
    namespace: '/public',
    name: 'Ann',
    onWake,
    transports: ['websocket'],
    random: () => 0.999,
  })
  const room = client.room('lobby')
  expect((await room.send('Hello')).seq).toBe(1)
  isOffline = true
  sockets.at(-1)?.terminate()
  await vi.waitFor(() =>
    expect(client.state).toMatchObject({ status: 'waiting', failures: expect.toSatisfy((n) => n >= 2) }),
  )
  isOffline = false
  wake(false)
  expect(client.state.status).toBe('waiting')
  wake(true)
  expect(client.state.status).toBe('connecting')
  await vi.waitFor(() => expect(client.state.status).toBe('open'))
  client.close()
  expect(ended).toHaveBeenCalled()
})

it('[D13] has nothing of what Hermes cannot read, and a connection of its own where tabs would share one', async () => {
  expect(await bundle()).not.toMatch(/import\.meta|SharedWorker/)
  roomful = createRoomful({ data: ':memory:', port: 0 }).standardNamespaces()
  const { url } = await roomful.listen()
  const { connect } = await load()
  const client = connect(url, { namespace: '/public', name: 'Ann', transports: ['websocket'], shareTabs: true })
  await client.room('lobby').ready
  expect(client.state).toMatchObject({ status: 'open', transport: 'websocket' })
  client.signOut()
  expect(client.state.status).toBe('closed')
})
