/** What names a node: ids that begin with its tag, and the mark on a request that it passed on. D15. */
import type { IncomingMessage } from 'node:http'
import { SeededRandom } from '@roomful/testkit'
import { expect, it } from 'vitest'
import { ForwardMark, MARK_HEADER } from '../../src/adapters/transports/forwarding/forward-mark.ts'
import { NodeIds } from '../../src/adapters/transports/forwarding/node-ids.ts'

const random = new SeededRandom(1)
const HOUR_MS = 3_600_000

it('[D15] an id names the node that gave it out, to every other node', () => {
  const [one, two] = [new NodeIds(random, true), new NodeIds(random, true)]
  const id = one.create(20)
  expect(id).toMatch(/^[a-z0-9]{20}$/)
  expect(two.foreignTagOf(id)).toBe(one.tag)
  expect(one.foreignTagOf(id)).toBeUndefined()
  for (const odd of ['', one.tag, `${one.tag}-../..`, 'ünïcode-is-no-id', 12_345_678, null, undefined]) {
    expect(two.foreignTagOf(odd)).toBeUndefined()
  }
})

it('a server that runs alone names no node, and passes nothing on', () => {
  const alone = new NodeIds(random, false)
  expect(alone.tag).toBe('')
  expect(alone.create(20)).toMatch(/^[a-z0-9]{20}$/)
  expect(alone.foreignTagOf(new NodeIds(random, true).create(20))).toBeUndefined()
})

/** A request as it comes with this mark. */
function marked(mark: string | undefined, method = 'GET', url = '/socket.io/?sid=x'): IncomingMessage {
  return { method, url, headers: mark === undefined ? {} : { [MARK_HEADER]: mark } } as unknown as IncomingMessage
}

it('[Z3] [B32] a mark carries the client’s address to a node with the same secret, and is good for one request alone', () => {
  let now = Date.UTC(2030, 0, 1)
  const [one, two] = ['secret', 'secret'].map((secret) => new ForwardMark({ bytes: Buffer.from(secret) }, () => now))
  const stranger = new ForwardMark({ bytes: Buffer.from('another') }, () => now)
  const mark = one?.write({ method: 'GET', url: '/socket.io/?sid=x' }, '2001:db8::7') ?? ''
  expect(two?.addressOf(marked(mark))).toBe('2001:db8::7')
  expect(two?.addressOf(marked(undefined))).toBeUndefined()
  expect(stranger.addressOf(marked(mark))).toBe(false)
  expect(two?.addressOf(marked(mark, 'POST'))).toBe(false)
  expect(two?.addressOf(marked(mark, 'GET', '/socket.io/?sid=y'))).toBe(false)
  expect(two?.addressOf(marked(mark.replace('2001:db8::7', '6.6.6.6')))).toBe(false)
  for (const odd of ['', ' ', 'a b c', '1 2', mark.slice(0, -1)]) expect(two?.addressOf(marked(odd)), odd).toBe(false)
  now += HOUR_MS / 6 // clocks that differ by ten minutes
  expect(two?.addressOf(marked(mark))).toBe('2001:db8::7')
  now += HOUR_MS
  expect(two?.addressOf(marked(mark))).toBe(false)
})
