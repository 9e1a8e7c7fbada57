/** The SDK gets its WebSocket from every example, every server that the docs show, and with every client that they show. C17. */
import { globSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { type Client, type ClientOptions, connect, createLink, type SharedLinkOptions } from '@roomful/client'
import { addDocuments } from '@roomful/documents'
import * as server from '@roomful/server'
import { createRoomful, type Roomful } from '@roomful/server'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { startTasks } from '../../examples/bare-websocket/server.ts'
import { startApplication as startExpress } from '../../examples/express/server.ts'
import { startApplication as startReact } from '../../examples/react/server.ts'
import { startRooms } from '../../examples/socketio-migration/rooms.ts'
import { hmacToken } from '../../packages/server/test/auth/bad-tokens.ts'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const root = new URL('../../', import.meta.url)
const AsyncFunction = (async () => undefined).constructor as new (
  ...source: string[]
) => (...args: unknown[]) => Promise<unknown>
const fetchToken = async (): Promise<string> => hmacToken(SECRET, { sub: 'ann', name: 'Ann' })
/** Of React Native. */
const AppState = { addEventListener: () => ({ remove: () => undefined }) }
const NetInfo = { addEventListener: () => () => undefined }
const notes = { storage: { getItem: () => null, setItem: () => undefined } }

interface Block {
  readonly page: string
  readonly line: number
  readonly code: string
}

/** Files of examples, which event.test.ts, install.test.ts and the test of `examples/moving` run. */
const ELSEWHERE = /^docs\/(?:event-in-five-minutes|install|from-\w+)\.md$/

const blocks: Block[] = globSync(['README.md', 'docs/*.md', 'packages/*/README.md'], { cwd: root.pathname })
  .sort()
  .flatMap((page) => {
    const text = readFileSync(new URL(page, root), 'utf8')
    return [...text.matchAll(/```(?:ts|tsx|js)\n(.*?)```/gs)].map(({ 1: code = '', index }) => {
      return { page, line: text.slice(0, index).split('\n').length, code }
    })
  })
const nameOf = ({ page, line }: Block): string => `${page}:${line}`

/** Resolves when it is open over a WebSocket; a fallback would be another transport, and a refusal another status. */
async function expectWebSocket(client: Client<never> | Client): Promise<void> {
  onTestFinished(() => client.close())
  await vi.waitFor(() => expect(client.state.status).toBe('open'), { timeout: 4_000 })
  expect(client.state).toMatchObject({ status: 'open', transport: 'websocket' })
}

async function runBlock(code: string, scope: Record<string, unknown>): Promise<void> {
  const body = code
    .replaceAll(/^import [^;]*?from '.*'.*\n/gm, '')
    .replaceAll(/^export /gm, '')
    .replaceAll(/connect<.*?>\(/g, 'connect(')
  await new AsyncFunction(...Object.keys(scope), body)(...Object.values(scope))
}

describe('an example', () => {
  it.each<[string, () => Promise<{ url: string; close(): Promise<void> }>, ClientOptions]>([
    ['bare-websocket', () => startTasks(0), { namespace: '/tasks' }],
    ['express', () => startExpress(0, () => undefined), {}],
    ['react', () => startReact(0), {}],
    ['socketio-migration', () => startRooms(SECRET, ':memory:'), { token: fetchToken }],
  ])('[C17] %s', async (_name, start, options) => {
    const application = await start()
    onTestFinished(() => application.close())
    await expectWebSocket(connect(new URL(application.url).origin, { name: 'Ann', ...notes, ...options }))
  })
})

describe('a server of the docs', () => {
  const servers = blocks
    .filter(({ code }) => /\broomful\.(attach|listen)\(/.test(code))
    .filter(({ page }) => !ELSEWHERE.test(page))
    .filter(({ page }) => page !== 'docs/frameworks.md') // in their frameworks, which test/install installs

  it('is found in at least these pages', () => {
    expect(new Set(servers.map(({ page }) => page))).toEqual(
      new Set([
        'README.md',
        'docs/documents.md',
        'docs/embedding.md',
        'packages/documents/README.md',
        'packages/server/README.md',
      ]),
    )
  })

  it.each(servers.map((block) => [nameOf(block), block.code] as const))('[C17] %s', async (_where, code) => {
    let roomful: Roomful | undefined
    const running: { server?: Server; url?: string } = {}
    const make = (settings: Parameters<typeof createRoomful>[0] = {}): Roomful => {
      roomful = createRoomful({ ...settings, data: ':memory:', auth: 'optional', jwtSecret: SECRET })
      const { attach, listen } = roomful
      roomful.attach = (given) => {
        running.server = given as Server
        return attach.call(roomful, given)
      }
      roomful.listen = async () => {
        const listening = await listen.call(roomful, { port: 0, host: '127.0.0.1' })
        running.url = listening.url
        return listening
      }
      return roomful
    }
    const scope: Record<string, unknown> = { ...server, createRoomful: make, createServer, z, addDocuments }
    Object.assign(scope, { Fastify, Hono, serve, app: undefined, mayRead: () => true, mayWrite: () => true })
    for (const own of code.matchAll(/^const (\w+) =/gm)) delete scope[own[1] as string]
    if (!code.includes('createRoomful(')) scope.roomful = make()
    // Where a page leaves the namespaces out.
    if (!code.includes('roomful.namespace(')) {
      if (scope.roomful) (scope.roomful as Roomful).namespace('/tasks')
      else code = code.replace('roomful.attach', "roomful.namespace('/tasks')\nroomful.attach")
    }
    await runBlock(code.replaceAll('8080', '0'), scope)
    onTestFinished(async () => {
      await roomful?.close()
      running.server?.closeAllConnections()
      running.server?.close()
    })
    await vi.waitFor(() => expect(running.url ?? running.server?.listening).toBeTruthy())
    const url = running.url ?? `http://localhost:${(running.server?.address() as AddressInfo | undefined)?.port}`
    const namespace = /namespace\('(.*?)'/.exec(code)?.[1] ?? '/tasks'
    await expectWebSocket(connect(url, { namespace, name: 'Ann', ...notes }))
  })
})

describe('a client of the docs', () => {
  const clients = blocks
    .filter(({ code }) => /\b(connect|createLink)\('http|(Roomful|Link)Provider url=/.test(code))
    .filter(({ page }) => !ELSEWHERE.test(page))
    .filter(
      ({ page }) => page !== 'docs/testing.md', // its server is without a network
    )
    .filter(({ page }) => !/packages\/(vue|svelte|solid)\//.test(page)) // their tests mount applications

  it('is found in at least these pages', () => {
    expect(new Set(clients.map(({ page }) => page))).toEqual(
      new Set([
        'README.md',
        'docs/react-native.md',
        'docs/react.md',
        'docs/sdk.md',
        'packages/client/README.md',
        'packages/react/README.md',
      ]),
    )
  })

  it.each(clients.map((block) => [nameOf(block), block.code] as const))('[C17] %s', async (_where, code) => {
    const roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET }).standardNamespaces()
    roomful.namespace('/shop')
    onTestFinished(() => roomful.close())
    const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
    const made: Client[] = []
    const keep = (client: Client): Client => {
      made.push(client)
      return client
    }
    const scope = {
      ...{ fetchToken, AppState, NetInfo, show: () => undefined, console: { log: () => undefined } },
      connect: (_url: string, options: ClientOptions) => keep(connect(url, { ...notes, ...options })),
      createLink: (_url: string, options: SharedLinkOptions) => {
        const link = createLink(url, { ...notes, ...options })
        return { connect: (namespaced: { namespace: string }) => keep(link.connect(namespaced)) }
      },
    }
    const providers = [...code.matchAll(/Provider url=".*?" options=\{(\{.*?\})\}/g)]
    for (const [, options] of providers) await runBlock(`connect('', ${options})`, scope)
    if (providers.length === 0) await runBlock(code, scope)
    expect(made).not.toEqual([])
    for (const client of made) await expectWebSocket(client)
    const { clients: links } = (await (await fetch(`${url}/health`)).json()) as { clients: number }
    expect(links).toBe(code.includes('createLink') ? 1 : made.length)
  })
})
