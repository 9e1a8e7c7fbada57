/** The same chat in Roomful's own rooms: the same client, tokens and events; and what is said is kept, numbered and recovered. */
import { createRoomful } from '@roomful/server'

export async function startRooms(secret: string, data: string): Promise<{ url: string; close: () => Promise<void> }> {
  const roomful = createRoomful({ data, jwtSecret: secret }).standardNamespaces()
  const { url } = await roomful.listen({ port: 0 })
  return { url, close: () => roomful.close() }
}
