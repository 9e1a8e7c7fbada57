/** Several clients at once in the tests of the core, and who of them heard what. */
import type { ConnectOptions, TestClient, TestServer } from '@roomful/testkit'

/** Connects a user per name and joins the rooms it lists. What is heard on the way is forgotten. */
export async function audience<Name extends string>(
  server: TestServer,
  roomsOf: Record<Name, readonly string[]>,
  options: ConnectOptions = {},
): Promise<Record<Name, TestClient>> {
  const clients = {} as Record<Name, TestClient>
  for (const [name, rooms] of Object.entries(roomsOf) as [Name, readonly string[]][]) {
    clients[name] = await server.connect({ user: name, ...options })
    for (const roomId of rooms) {
      const { error } = await clients[name].request('room:join', { roomId })
      if (error) throw new Error(`${name} could not join ${roomId}: ${error.code}`)
    }
  }
  // What presence still has to tell is told now, so that the tests hear only their own.
  await server.advance(2_000)
  for (const client of Object.values<TestClient>(clients)) client.forget()
  return clients
}

/** How many copies of such a message each one heard; those who heard none are left out. */
export function copies(clients: Record<string, TestClient>, type: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [name, client] of Object.entries(clients)) {
    const count = client.messages(type).length
    if (count > 0) counts[name] = count
  }
  return counts
}
