/** The frameworks that docs/embedding.md shows run as they stand there, with Roomful beside them. */
import { readFileSync } from 'node:fs'
import type { AddressInfo, Server } from 'node:net'
import { serve } from '@hono/node-server'
import { createRoomful } from '@roomful/server'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'

const page = readFileSync(new URL('../../docs/embedding.md', import.meta.url), 'utf8')
const modules = { Fastify, Hono, serve }
const AsyncFunction = (async () => undefined).constructor as new (
  ...source: string[]
) => (...args: unknown[]) => Promise<unknown>

it.each([
  ['Fastify', 'app.server'],
  ['Hono', 'server'],
])('[B15] %s and Roomful share a server', async (name, server) => {
  const [, snippet = ''] = new RegExp(`With ${name}[^\\n]*\\n\\n\`\`\`ts\\n(.*?)\`\`\``, 's').exec(page) ?? []
  const body = snippet.replaceAll(/^import .*\n/gm, '').replace('8080', '0')
  expect(body).toContain('roomful.attach')
  const roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
  const run = new AsyncFunction('roomful', ...Object.keys(modules), `${body}\nreturn ${server}`)
  const running = (await run(roomful, ...Object.values(modules))) as Server
  try {
    if (!running.listening) await new Promise((resolve) => running.once('listening', resolve))
    const { port } = running.address() as AddressInfo
    const ask = async (path: string) => (await fetch(`http://localhost:${port}${path}`)).text()
    expect(await ask('/hello')).toBe(`{"hello":"from ${name}"}`)
    expect(await ask('/api/status')).toBe('{"status":"online"}')
    const socket = new WebSocket(`ws://localhost:${port}/ws/public?name=Ann`)
    const [first] = await new Promise<[Buffer]>((resolve) => socket.once('message', (data: Buffer) => resolve([data])))
    expect(JSON.parse(first.toString())).toMatchObject({ type: 'welcome' })
    socket.close()
  } finally {
    await roomful.close()
    await new Promise((resolve) => running.close(resolve))
  }
})
