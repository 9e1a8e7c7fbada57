/** The same chat on Roomful. The client of `ws-client.ts` does not change. */
import { createRoomful } from '@roomful/server'

export async function startAfter(): Promise<{ url: string; close: () => Promise<void> }> {
  const roomful = createRoomful({ data: ':memory:', host: '127.0.0.1' }).standardNamespaces()
  const { port } = await roomful.listen({ port: 0 })
  return { url: `ws://127.0.0.1:${port}/ws/public`, close: () => roomful.close() }
}
