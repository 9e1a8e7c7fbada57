/** A change of what is on the wire is loud: the hash of every message's schema, beside the version that it belongs to. */
import { createHash } from 'node:crypto'
import { PROTOCOL_VERSION } from '@roomful/protocol'
import { down, UP_ALIASES, up } from '@roomful/protocol/messages'
import { expect, it } from 'vitest'

/** One hash per released state of a version; the last one is today's. */
const HASHES: Readonly<Record<number, string>> = {
  1: 'de993fed5ffa3d55',
}

function schemaHash(): string {
  const ups = Object.values(up).map(({ name, data, ack }) => ({ name, data, ack }))
  const downs = Object.values(down).map(({ name, delivery, data }) => ({ name, delivery, data }))
  const text = JSON.stringify({ ups, downs, aliases: UP_ALIASES }, sorted)
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** The order in which fields are written down is no part of the wire. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

it('[W11] the schemas are those of this protocol version', () => {
  const hash = schemaHash()
  expect(
    hash,
    [
      `The messages on the wire changed: their hash is ${hash}.`,
      'An addition that old clients can ignore: put this hash beside the version here, describe the change in CHANGELOG.md,',
      'and run `npm run docs:protocol`. A change that breaks a client: raise PROTOCOL_VERSION in src/constants.ts with its line',
      'of history, offer a new subprotocol beside the old one, and add a line here.',
    ].join('\n'),
  ).toBe(HASHES[PROTOCOL_VERSION])
})

it('[W11] every message is listed under its own name', () => {
  for (const [name, message] of [...Object.entries(up), ...Object.entries(down)]) expect(message.name).toBe(name)
  for (const [alias, name] of Object.entries(UP_ALIASES)) {
    expect(up).not.toHaveProperty([alias])
    expect(up).toHaveProperty([name])
  }
})
