/** Documents that are open on two nodes, with official providers at each. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { startRedis } from '../../../server/test/redis/server.ts'
import {
  after,
  type Client,
  converged,
  eventually,
  open,
  SECRET,
  type ServeOptions,
  serve,
  storedText,
} from '../serving.ts'
import { nextPrefix } from './opening.ts'

const redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'always'])
afterAll(() => redis.stop())

/** A node is there until its lease is over, which others notice at their next renewal. */
const GHOST_MS = 11_000

async function serveTwo(options: ServeOptions = {}, redisUrl = redis.url) {
  const redisPrefix = nextPrefix()
  const settings = { ...options.settings, redisUrl, redisPrefix }
  return [await serve({ ...options, settings }), await serve({ ...options, settings }), redisPrefix] as const
}

async function startNode(prefix: string): Promise<{ url: string; kill: () => Promise<void> }> {
  const file = fileURLToPath(new URL('./node-child.ts', import.meta.url))
  const args = ['--conditions=source', file, redis.url, prefix, SECRET]
  const node = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  after(() => void node.kill('SIGKILL'))
  const [port] = (await once(node.stdout, 'data')) as [Buffer]
  const kill = async (): Promise<void> => {
    const exited = once(node, 'exit')
    node.kill('SIGKILL')
    await exited
  }
  return { url: `ws://localhost:${Number(port.toString())}/yjs`, kill }
}

const cursorOf = (seer: Client, seen: Client): unknown => seer.provider.awareness.getStates().get(seen.doc.clientID)
const isAway = (who: Client): Promise<number | undefined> =>
  new Promise((resolve) => who.provider.once('connection-close', (event) => resolve(event?.code)))

function quiet(): void {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  after(() => warn.mockRestore())
}

describe('a document on two nodes', () => {
  it('[Y23] is one: what is typed at the same time is merged, and stored once', async () => {
    const [a, b] = await serveTwo()
    const [ann, ben] = [await open(a.url, 'plan'), await open(b.url, 'plan', { name: 'ben' })]
    ann.text.insert(0, 'one line')
    await converged(ann, ben)
    for (let round = 0; round < 30; round++) {
      ann.text.insert(0, 'a')
      ben.text.insert(ben.text.length, 'b')
      if (round % 5 === 0) await new Promise(setImmediate)
    }
    await eventually(() => expect(ben.text.length).toBe(68))
    const text = `${'a'.repeat(30)}one line${'b'.repeat(30)}`
    expect(await converged(ann, ben)).toBe(text)
    await eventually(async () => expect(await storedText(b.documents, 'plan')).toBe(text))
    expect(await a.documents.find('plan')).toEqual(await b.documents.find('plan'))
  })

  it('[Y23] is read from Redis by a node that never had it, also when it is large', async () => {
    const [a, b] = await serveTwo({ documents: { foldUpdates: 10 } })
    const ann = await open(a.url, 'long')
    for (let i = 0; i < 30; i++) ann.text.insert(0, `${i % 10}`.repeat(50_000))
    await eventually(async () => expect(await storedText(a.documents, 'long')).toHaveLength(1_500_000))
    ann.provider.destroy()
    const ben = await open(b.url, 'long', { name: 'ben' })
    expect(ben.text.toString()).toBe(ann.text.toString())
  })

  it('[Y23] takes what was written offline, and changes of the server itself', async () => {
    const [a, b] = await serveTwo()
    const [ann, ben] = [await open(a.url, 'plan'), await open(b.url, 'plan', { name: 'ben' })]
    ann.text.insert(0, 'shared ')
    await eventually(() => expect(ben.text.toString()).toBe('shared '))
    ben.provider.disconnect()
    ben.text.insert(ben.text.length, 'from ben')
    await b.documents.use('plan', (doc) => doc.getText('content').insert(0, 'from the server '))
    ann.text.insert(0, 'from ann ')
    ben.provider.connect()
    await eventually(() => expect(ann.text.length).toBe(40))
    expect((await converged(ann, ben)).match(/from \w+/g)?.toSorted()).toEqual(['from ann', 'from ben', 'from the'])
  })

  it('[Y24] shows the cursors of both, and of one who comes later; gone are they with their link', async () => {
    const [a, b] = await serveTwo()
    const ann = await open(a.url, 'plan')
    ann.provider.awareness.setLocalStateField('user', { name: 'Ann' })
    const ben = await open(b.url, 'plan', { name: 'ben' })
    ben.provider.awareness.setLocalStateField('user', { name: 'Ben' })
    await eventually(() => expect(cursorOf(ben, ann)).toEqual({ user: { name: 'Ann' } }))
    await eventually(() => expect(cursorOf(ann, ben)).toEqual({ user: { name: 'Ben' } }))
    ben.provider.ws?.close()
    await eventually(() => expect(cursorOf(ann, ben)).toBeUndefined())
    await eventually(() => expect(cursorOf(ann, ben)).toEqual({ user: { name: 'Ben' } }))
    ben.provider.disconnect()
    await eventually(() => expect(cursorOf(ann, ben)).toBeUndefined())
    const members = async () => (await a.roomful.get('/documents').roomUsers('plan')).map(({ userId }) => userId)
    await eventually(async () => expect(await members()).toEqual(['ann']))
  })

  it('[Y24] shows the cursor of one who moves to another node at once, and once', async () => {
    const [a, b] = await serveTwo()
    const [ann, ben] = [await open(a.url, 'plan'), await open(a.url, 'plan', { name: 'ben' })]
    ben.provider.awareness.setLocalStateField('user', { name: 'Ben' })
    await eventually(() => expect(cursorOf(ann, ben)).toEqual({ user: { name: 'Ben' } }))
    ben.provider.disconnect()
    Object.defineProperty(ben.provider, 'url', { value: ben.provider.url.replace(a.url, b.url) })
    ben.provider.connect()
    await eventually(() => expect(ben.provider.ws?.url).toContain(b.url))
    await eventually(() => expect(cursorOf(ann, ben)).toEqual({ user: { name: 'Ben' } }))
    expect([...ann.provider.awareness.getStates().keys()]).toHaveLength(2)
  })

  it('[Y25] has its rules on every node: locks, roles, and rules that are asked again', async () => {
    quiet()
    const locks = new Set<string>()
    const allow = { publish: ({ role }: { role: string }, id: string) => role !== 'seller' && !locks.has(id) }
    const [a, b] = await serveTwo({ allow })
    const [ann, ben] = [await open(a.url, 'plan'), await open(b.url, 'plan', { name: 'ben' })]
    ann.text.insert(0, 'open')
    await eventually(() => expect(ben.text.toString()).toBe('open'))
    locks.add('plan')
    await a.documents.change('plan', { isLocked: true })
    ben.text.insert(0, 'not ')
    await eventually(() => expect(console.warn).toHaveBeenCalled())
    expect(await storedText(a.documents, 'plan')).toBe('open')
    locks.clear()
    await a.documents.recheck('plan')
    expect(await converged(ann, ben)).toBe('not open') // it is asked for
    await a.roomful.setRole('ben', 'seller')
    ben.text.insert(0, 'surely ')
    await eventually(() => expect(console.warn).toHaveBeenCalledTimes(2))
    expect(await storedText(b.documents, 'plan')).toBe('not open')
  })

  it('[Y25] is removed on every node, and its name is not given again', async () => {
    quiet()
    const [a, b] = await serveTwo()
    const ben = await open(b.url, 'plan', { name: 'ben' })
    ben.text.insert(0, 'gone')
    await eventually(async () => expect(await a.documents.find('plan')).toBeDefined())
    const codes: (number | undefined)[] = []
    ben.provider.on('connection-close', (event: CloseEvent | null) => void codes.push(event?.code))
    expect(await a.documents.remove('plan')).toBe(true)
    await eventually(() => expect(codes.length).toBeGreaterThan(2))
    expect(new Set(codes)).toEqual(new Set([4003]))
    expect(await b.documents.list({ limit: 10 })).toEqual([])
    const again = b.documents.create({ id: 'plan', title: 'Plan', ownerId: 'ann' })
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('[Y25] counts towards the bounds of its user on every node', async () => {
    quiet()
    const [a, b] = await serveTwo({ documents: { maxDocumentsPerUser: 2, maxBytesPerUser: 20_000 } })
    const made = (id: string) => ({ id, title: id, ownerId: 'eve' })
    await Promise.all([a.documents.create(made('a')), b.documents.create(made('b'))])
    for (const { documents } of [a, b]) {
      await expect(documents.create(made('c'))).rejects.toMatchObject({ code: 'TOO_MANY_DOCUMENTS' })
    }
    const [first, second] = [await open(a.url, 'a', { name: 'eve' }), await open(b.url, 'b', { name: 'eve' })]
    first.text.insert(0, 'x'.repeat(15_000))
    await eventually(async () => expect((await b.documents.find('a'))?.bytes).toBeGreaterThan(15_000))
    const closed = isAway(second)
    second.text.insert(0, 'y'.repeat(15_000)) // this node thinks that there is room, Redis knows better
    expect(await closed).toBe(1013)
    await eventually(() => expect(console.warn).toHaveBeenCalled())
    expect((await b.documents.find('b'))?.bytes).toBe(0)
    expect(await a.documents.remove('a')).toBe(true)
    await b.documents.create(made('c'))
  })
})

describe('a document whose node or Redis ends', () => {
  it('[Y26] keeps what anybody saw when a node is killed, and shows its cursors no longer', async () => {
    const redisPrefix = nextPrefix()
    const a = await serve({ settings: { redisUrl: redis.url, redisPrefix } })
    const b = await startNode(redisPrefix)
    const [ann, ben] = [await open(a.url, 'plan'), await open(b.url, 'plan', { name: 'ben' })]
    ben.provider.awareness.setLocalStateField('user', { name: 'Ben' })
    await eventually(() => expect(cursorOf(ann, ben)).toBeDefined())
    const kill = eventually(() => expect(ann.text.length).toBeGreaterThan(50)).then(b.kill)
    const typing = setInterval(() => ben.text.insert(ben.text.length, `${ben.text.length % 10}`), 1)
    await kill
    clearInterval(typing)
    ben.provider.shouldConnect = false
    const killedAt = performance.now()
    const seen = ann.text.toString()
    expect(await storedText(a.documents, 'plan')).toBe(seen)
    const c = await startNode(redisPrefix)
    const late = await open(c.url, 'plan', { name: 'late' })
    expect(late.text.toString().startsWith(seen)).toBe(true)
    await vi.waitFor(() => expect(cursorOf(ann, ben)).toBeUndefined(), { timeout: 15_000, interval: 50 })
    expect(performance.now() - killedAt).toBeLessThan(GHOST_MS)
  })

  it('[Y26] waits for a Redis that stands still: links stay, and afterwards everything is there', async () => {
    const [a, b] = await serveTwo()
    const [ann, ben] = [await open(a.url, 'plan'), await open(b.url, 'plan', { name: 'ben' })]
    ann.text.insert(0, 'before ')
    await eventually(() => expect(ben.text.toString()).toBe('before '))
    const links = [ann.provider.ws, ben.provider.ws]
    redis.pause()
    ann.text.insert(0, 'ann ')
    ben.text.insert(ben.text.length, 'ben')
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    expect(ben.text.toString()).toBe('before ben') // not before it is stored
    redis.resume()
    expect(await converged(ann, ben)).toBe('ann before ben')
    expect([ann.provider.ws, ben.provider.ws]).toEqual(links)
    await eventually(async () => expect(await storedText(a.documents, 'plan')).toBe('ann before ben'))
  })

  it('[Y26] goes on when Redis is killed and starts again', async () => {
    const [a, b] = await serveTwo()
    const [ann, ben] = [await open(a.url, 'plan'), await open(b.url, 'plan', { name: 'ben' })]
    ann.text.insert(0, 'before ')
    await eventually(() => expect(ben.text.toString()).toBe('before '))
    const links = [ann.provider.ws, ben.provider.ws]
    await redis.kill()
    ann.text.insert(0, 'ann ')
    ben.text.insert(ben.text.length, 'ben')
    await redis.start()
    expect(await converged(ann, ben)).toBe('ann before ben')
    expect([ann.provider.ws, ben.provider.ws]).toEqual(links)
    ann.text.insert(0, 'and ')
    expect(await converged(ann, ben)).toBe('and ann before ben')
  })

  it.each(['its tail', 'everything'])(
    '[Y26] is stored again by those who have it when Redis has lost %s',
    async (what) => {
      const lossy = await startRedis()
      after(() => lossy.stop())
      const nothing = await lossy.dump()
      const [a, b] = await serveTwo({}, lossy.url)
      const [ann, ben] = [await open(a.url, 'plan'), await open(b.url, 'plan', { name: 'ben' })]
      ann.text.insert(0, 'old ')
      await eventually(() => expect(ben.text.toString()).toBe('old '))
      const dump = await lossy.dump()
      ann.text.insert(0, 'lost ')
      await eventually(() => expect(ben.text.toString()).toBe('lost old '))
      const links = [ann.provider.ws, ben.provider.ws]
      await lossy.restore(what === 'everything' ? nothing : dump)
      ben.text.insert(ben.text.length, 'new')
      expect(await converged(ann, ben)).toBe('lost old new')
      expect([ann.provider.ws, ben.provider.ws]).toEqual(links)
      const redisPrefix = b.roomful.storage.redis?.prefix ?? ''
      const c = await serve({ settings: { redisUrl: lossy.url, redisPrefix } })
      await eventually(async () => expect(await storedText(c.documents, 'plan')).toBe('lost old new'))
      ann.text.insert(0, 'and ')
      expect(await converged(ann, ben)).toBe('and lost old new')
    },
  )
})
