/** Clients on a server's real core, in virtual time: a network without faults of its own lies between them. */
import { Client, type ClientOptions, type RoomfulError } from '@roomful/client'
import { createTestServer, type TestServer, type TestServerOptions } from '@roomful/testkit'
import { SimulatedNetwork } from '@roomful/testkit/simulator'

export interface Peer {
  readonly client: Client
  readonly network: SimulatedNetwork
  /** What the client called its `onError` with. */
  readonly errors: RoomfulError[]
}

export function join(server: TestServer, user: string, options: ClientOptions = {}): Peer {
  const errors: RoomfulError[] = []
  const network = new SimulatedNetwork({ clock: server.clock, host: server, delayMs: () => 1 })
  const client = new Client('http://core', {
    transport: network.transport,
    token: () => server.token(user),
    clock: server.clock,
    random: () => 0.5,
    onError: (error) => errors.push(error),
    ...options,
  })
  return { client, network, errors }
}

/** Without limits of rates, unless the settings say otherwise. */
export function createServer({ settings, ...more }: TestServerOptions = {}): Promise<TestServer> {
  return createTestServer({ ...more, settings: { ratePerSecond: 0, ratePerMinute: 0, ...settings } })
}
