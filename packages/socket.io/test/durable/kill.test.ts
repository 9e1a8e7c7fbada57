/** A server that is killed loses nothing that it acknowledged, and its clients come back as who they were. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { client, collect, connected, until } from '../lib/harness.ts'
import { live } from '../lib/live.ts'

it.each(['websocket', 'polling'])(
  'kill -9: a client over %s has its id, data, rooms and every durable event',
  {
    timeout: 60_000,
  },
  async (transport) => {
    const data = mkdtempSync(join(tmpdir(), 'roomful-durable-'))
    onTestFinished(() => rmSync(data, { recursive: true, force: true }))
    const first = await live(data)
    const options = { reconnectionDelay: 50, reconnectionDelayMax: 100 }
    const ann = client(first.url, [transport], options)
    const bob = client(first.url, [transport], options)
    await Promise.all([connected(ann), connected(bob)])
    await ann.emitWithAck('join', 'room')
    await bob.emitWithAck('join', 'room')
    await bob.emitWithAck('rename', 'Bob')
    const heard = collect(bob)
    const { id } = bob
    const said: string[] = []
    for (let i = 0; i < 20; i++) {
      await ann.emitWithAck('say', 'room', `before ${i}`)
      said.push(`before ${i}`)
    }
    await until(() => heard.length === 20)
    // The link is cut, so that these are in the log alone when the server dies.
    bob.io.reconnection(false)
    bob.io.engine.close()
    const acknowledged: Promise<unknown>[] = []
    for (let i = 0; i < 50; i++) {
      acknowledged.push(ann.emitWithAck('say', 'room', `away ${i}`))
      said.push(`away ${i}`)
    }
    await Promise.all(acknowledged)
    await first.kill()
    await live(data, first.port)
    bob.io.reconnection(true)
    bob.connect()
    await Promise.all([connected(bob), connected(ann)])
    expect(bob.recovered).toBe(true)
    expect(bob.id).toBe(id)
    const who = await new Promise<unknown[]>((resolve) => bob.emit('who', (...answer: unknown[]) => resolve(answer)))
    expect(who).toEqual([true, { checks: 2, name: 'Bob' }, [id, 'room']])
    expect(heard.map((event) => event[1])).toEqual(said)
    const mine = collect(ann)
    expect(await ann.emitWithAck('say', 'room', 'after')).toEqual({ ok: true })
    await until(() => heard.length === said.length + 1)
    expect(mine).toEqual([])
  },
)

it('a restart with sockets that never got anything brings them back too', { timeout: 60_000 }, async () => {
  const data = mkdtempSync(join(tmpdir(), 'roomful-durable-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const first = await live(data)
  const ann = client(first.url, ['websocket'], { reconnectionDelay: 50, reconnectionDelayMax: 100 })
  await connected(ann)
  await ann.emitWithAck('join', 'room')
  const gone = new Promise((resolve) => ann.once('disconnect', resolve))
  await first.kill()
  await gone
  await live(data, first.port)
  await connected(ann)
  expect(ann.recovered).toBe(true)
  const late = client(first.url)
  const heard = collect(ann)
  await connected(late)
  await late.emitWithAck('say', 'room', 'hello')
  await until(() => heard.length === 1)
})
