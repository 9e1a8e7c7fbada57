/** docs/event-in-five-minutes.md shows the files of `examples/auction` as they are, and its page works against its server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful } from '@roomful/server'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { addAuction } from '../../examples/auction/auction.ts'

const root = new URL('../../', import.meta.url)
const folder = new URL('examples/auction/', root)
const page = readFileSync(new URL('docs/event-in-five-minutes.md', root), 'utf8')
const shown = new Map(
  Array.from(page.matchAll(/^`([\w.]+)`\n\n```\w+\n(.*?)\n```$/gms), ([, name = '', code = '']) => [name, `${code}\n`]),
)

describe('docs/event-in-five-minutes.md', () => {
  it('shows every file of the example, complete', () => {
    const files = readdirSync(folder).filter((name) => name !== 'package.json' && name !== 'node_modules')
    expect([...shown.keys()].sort()).toEqual(files.sort())
    for (const [name, code] of shown) expect(code, name).toBe(readFileSync(new URL(name, folder), 'utf8'))
  })

  it('has a page that bids, shows bids and refusals, and starts with those so far', async () => {
    const roomful = createRoomful({ data: ':memory:' })
    onTestFinished(() => roomful.close())
    addAuction(roomful)
    const { port } = await roomful.listen({ port: 0, host: '127.0.0.1' })
    const ann = openPage(`127.0.0.1:${port}`)
    await vi.waitFor(() => expect(ann.isOpen()).toBe(true))
    await vi.waitFor(() => {
      ann.bid(10) // refused until the page has joined
      expect(ann.output.textContent).toMatch(/^Bid \d+ is stored$/)
    })
    const ben = openPage(`127.0.0.1:${port}`)
    await vi.waitFor(() => expect(ben.items[0]).toBe('Visitor bids 10'))
    ben.bid(-1)
    await vi.waitFor(() => expect(ben.output.textContent).toMatch(/amount/))
  })

  it('has a server that serves the page', async () => {
    const port = await freePort()
    const child = spawn(process.execPath, ['--conditions=source', new URL('main.ts', folder).pathname], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill())
    const [line] = await once(child.stdout, 'data')
    expect(String(line)).toBe(`Open http://localhost:${port} in two windows\n`)
    expect(await (await fetch(`http://localhost:${port}/`)).text()).toBe(shown.get('page.html'))
  })
})

interface Element {
  textContent: string
}

/** As much of a document as the page uses. */
function openPage(host: string) {
  const output: Element = { textContent: '' }
  const items: string[] = []
  const list = { append: ({ textContent }: Element) => items.push(textContent) }
  const form: { onsubmit?: (event: object) => void } = {}
  const elements: Readonly<Record<string, object>> = { output, ol: list, form }
  const document = { querySelector: (name: string) => elements[name], createElement: () => ({ textContent: '' }) }
  const [, script = ''] = /<script type="module">(.*)<\/script>/s.exec(shown.get('page.html') ?? '') ?? []
  const socket = new Function('document', 'location', `${script}\nreturn socket`)(document, { host }) as WebSocket
  onTestFinished(() => socket.close())
  const bid = (valueAsNumber: number) =>
    form.onsubmit?.({ preventDefault: () => undefined, target: { amount: { valueAsNumber } } })
  return { output, items, bid, isOpen: () => socket.readyState === WebSocket.OPEN }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
