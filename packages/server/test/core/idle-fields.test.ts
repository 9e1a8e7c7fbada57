/** Most connections are idle: what only some of them need takes no memory in the others. */
import { createTestServer } from '@roomful/testkit'
import { expect, it } from 'vitest'
import type { Connection } from '../../src/core/state/namespace-state.ts'
import { audience } from './audience.ts'

it('[P5] an idle connection and its link have no fields but those that every one uses', async () => {
  await using server = await createTestServer({ setUp: (kit) => kit.chat(kit.namespace('/')) })
  await audience(server, { ann: ['x'], bob: ['x'] })
  const [connection] = server.get('/').state.connections.values() as Iterable<Connection>
  const ofSome = [
    ...['presenceRate', 'pieceRate', 'pieceChars', 'burst', 'clientRequests', 'currentRoom', 'refusal', 'checked'],
    ...['onSettled', 'joining', 'expectedBackAt', 'ownData', 'isShared', 'isCheckRefused', 'httpMode'],
  ]
  expect(ofSome.filter((field) => Object.hasOwn(connection ?? {}, field))).toEqual([])
  expect(Object.keys(connection ?? {}).length).toBeLessThanOrEqual(28)
  expect(Object.keys(connection?.link ?? {}).length).toBeLessThanOrEqual(27)
  expect(connection?.link.heartbeat.waiting, 'is its own timer').toBe(connection?.link.heartbeat)
})

it('[P5] with one node, the users of a room are its seats', async () => {
  await using server = await createTestServer({ setUp: (kit) => kit.chat(kit.namespace('/')) })
  await audience(server, { ann: ['x'] })
  const room = server.get('/').state.rooms.get('x')
  expect([...(room?.users.keys() ?? [])].length).toBe(1)
  expect(room?.users).toBe(room?.seats)
})
