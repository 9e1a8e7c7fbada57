/** What readers of event streams make of ours: no empty messages, back after a restart, nothing missed, nothing twice. C17, G4. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readers } from './readers.ts'
import { type Message, serve, until } from './serving.ts'
import { serveVirtually } from './virtual.ts'

const names = Object.keys(readers)

interface Reading {
  /** As it came, empty messages too. */
  readonly heard: string[]
  readonly over: string[]
  readonly contents: () => string[]
  readonly close: () => void
}

function read(name: string, url: string): Reading {
  const heard: string[] = []
  const over: string[] = []
  const close =
    readers[name]?.(url, { onMessage: (data) => heard.push(data), onOver: (why) => over.push(why) }) ??
    (() => undefined)
  onTestFinished(close)
  const contents = (): string[] =>
    heard.flatMap((data) => (data === '' ? [] : ((JSON.parse(data) as Message).content ?? [])))
  return { heard, over, contents, close }
}

const say = async (url: string, content: string): Promise<void> => {
  const body = JSON.stringify({ type: 'chat:message', roomId: 'lobby', content })
  const response = await fetch(`${url}/send/public?name=Ben`, { method: 'POST', body })
  if (!response.ok) throw new Error(await response.text())
}

describe('a reader', () => {
  it.each(names)(
    '[B11] [C17] gets no empty message, from the first block to a comment on a quiet stream: %s',
    async (name) => {
      const { server, url } = await serveVirtually()
      const { heard, over } = read(name, `${url}/sse/public?room=lobby&name=Ann`)
      await until('the room', () => heard.some((data) => data.includes('room:joined')))
      const before = server.hub.links.open.size
      await server.advance(60_000) // two comments
      await say(url, 'hello')
      await until('what follows the comments', () => heard.some((data) => data.includes('hello')))
      expect(heard.filter((data) => data === '')).toEqual([])
      expect([before, over]).toEqual([1, []])
    },
  )

  it('[V23] [D2] [D9] [G7] comes back after a restart and gets what was missed, once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'roomful-readers-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const data = join(folder, 'rooms.db')
    const first = await serve({ data })
    const { url, port } = first
    const all = names.map((name) => read(name, `${url}/sse/public?room=lobby&name=${encodeURIComponent(name)}`))
    await until('everyone', () => all.every(({ heard }) => heard.some((text) => text.includes('room:joined'))))
    await say(url, 'before')
    await until('the first', () => all.every(({ contents }) => contents().length === 1))
    await first.roomful.close()
    await serve({ data, port })
    await say(url, 'missed')
    await until('everyone to be back', () =>
      all.every(({ heard }) => heard.filter((text) => text.includes('room:joined')).length >= 2),
    )
    await say(url, 'after')
    await until('the last', () => all.every(({ contents }) => contents().includes('after')))
    for (const [at, { heard, over, contents }] of all.entries()) {
      expect([names[at], contents(), over]).toEqual([names[at], ['before', 'missed', 'after'], []])
      expect(heard).not.toContain('')
    }
    for (const { close } of all) close() // before the second server cuts them
  }, 30_000)

  it.each(names)(
    '[D2] misses nothing when its connection is cut in the middle of an event: %s',
    async (name) => {
      const { url, port } = await serve()
      const proxy = await cuttingProxy(port)
      const { contents, over } = read(name, `${proxy.url}/sse/public?room=lobby&name=Ann`)
      await until('the stream', () => proxy.passed() > 0)
      const wanted = Array.from({ length: 6 }, (_, i) => `${i} ${'x'.repeat(3_000)}`)
      await until('the room', () => proxy.text().includes('room:joined'))
      for (const [i, content] of wanted.entries()) {
        if (i === 2) proxy.cutAfter(1_500)
        await say(url, content)
      }
      await until('all of it', () => contents().length >= wanted.length)
      expect(contents()).toEqual(wanted)
      expect([proxy.cuts(), over]).toEqual([1, []])
    },
    20_000,
  )
})

/** Passes everything on, until it cuts what comes down after a number of bytes; the next connection passes again. */
async function cuttingProxy(port: number) {
  let [bytesLeft, cuts, passed, text] = [Number.POSITIVE_INFINITY, 0, 0, '']
  const sockets = new Set<Socket>()
  const server: Server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.on('data', (chunk: Buffer) => {
      passed += chunk.length
      text = (text + chunk.toString('latin1')).slice(-10_000)
      const taken = chunk.subarray(0, bytesLeft)
      bytesLeft -= taken.length
      if (bytesLeft > 0) return void near.write(taken)
      cuts++
      bytesLeft = Number.POSITIVE_INFINITY
      near.end(taken)
      far.destroy()
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port: own } = server.address() as { port: number }
  const cutAfter = (bytes: number): void => {
    bytesLeft = bytes
  }
  return { url: `http://127.0.0.1:${own}`, cutAfter, cuts: () => cuts, passed: () => passed, text: () => text }
}
