/** Features on a server without sockets, and on a real one: what the tests of Commons begin with. */
import { createHmac } from 'node:crypto'
import { type CreateOptions, createRoomful, type Roomful } from '@roomful/server'
import { createTestServer, type TestServer, type TestServerOptions } from '@roomful/testkit'
import { onTestFinished } from 'vitest'
import { type Commons, createCommons } from '../../commons.ts'
import { Database } from '../../database.ts'

export type Feature = (commons: Commons) => void

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'

/** A server on virtual time and seeded chance; `database` keeps what an earlier one stored. */
export async function testCommons(
  feature: Feature,
  options: TestServerOptions & { database?: Database } = {},
): Promise<TestServer> {
  const { database = new Database(':memory:'), ...rest } = options
  const server = await createTestServer({
    settings: { ratePerSecond: 0, ratePerMinute: 0 },
    ...rest,
    setUp: (made) => {
      made.standardNamespaces()
      feature({ server: made, database, clock: made.clock, random: made.random }) // the test may use the database again
    },
  })
  onTestFinished(() => server.close())
  return server
}

export interface Serving {
  readonly roomful: Roomful
  readonly url: string
  readonly port: number
}

/** A real server on a port of its own, closed when the test ends. */
export async function serveCommons(
  feature: (commons: Commons, roomful: Roomful) => void,
  { port = 0, ...settings }: CreateOptions & { port?: number } = {},
): Promise<Serving> {
  const { data = ':memory:' } = settings
  const roomful = createRoomful({ data, jwtSecret: SECRET, ratePerSecond: 0, ratePerMinute: 0, ...settings })
  feature(createCommons(roomful.standardNamespaces(), new Database(data)), roomful)
  onTestFinished(() => roomful.close())
  const { port: taken } = await roomful.listen({ port })
  return { roomful, port: taken, url: `http://127.0.0.1:${taken}` }
}

/** A token of a user with a role. */
export function tokenOf(sub: string, role = 'user'): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub, name: sub, role })}`
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
}
