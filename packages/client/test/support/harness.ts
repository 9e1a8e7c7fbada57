/** A client in virtual time, connected to a fake server. Chance is a half wherever a test does not decide it. */
import '@roomful/client/eager'
import { type AnyContract, Client, type ClientOptions, type RoomfulError } from '@roomful/client'
import { VirtualClock } from '@roomful/testkit'
import { FakeServer } from './fake-server.ts'

export interface Harness<C extends AnyContract = undefined> {
  readonly clock: VirtualClock
  readonly server: FakeServer
  readonly client: Client<C>
  /** What the client called its `onError` with. */
  readonly errors: RoomfulError[]
}

/** @param prepare changes the server before the client connects */
export async function start<C extends AnyContract = undefined>(
  options: ClientOptions = {},
  prepare: (server: FakeServer) => void = () => undefined,
): Promise<Harness<C>> {
  const clock = new VirtualClock()
  const server = new FakeServer(clock)
  const errors: RoomfulError[] = []
  prepare(server)
  const client = new Client<C>('http://fake', {
    transport: server.transport,
    clock,
    random: () => 0.5,
    onError: (error) => errors.push(error),
    ...options,
  })
  await clock.settle()
  return { clock, server, client, errors }
}
