/**
 * What takes the place of Pusher's or Ably's service, and of the endpoint that signs for it: who one is, what may be joined,
 * and which events there are.
 */
import { createRoomful, type Roomful, type Stored } from '@roomful/server'

/** Sessions of the application, by cookie or token. */
export type FindUser = (token: string | undefined) => { sub: string; name: string } | undefined

export function createServer(findUser: FindUser, apiKey: string): Roomful {
  const roomful = createRoomful({
    data: ':memory:',
    host: '127.0.0.1',
    apiKey,
    authenticate: (_request, { token }) => findUser(token),
  })
  const channels = roomful.namespace('/', undefined, { guests: true })
  // Events that the backend publishes over HTTP are stored, numbered and replayed.
  channels.room('prices')
  // Was: private-… or presence-…, and an endpoint that signs each subscription.
  channels.room('team-*', { allow: { join: (user) => user.guest !== true } })
  // Was: client events, or channel.publish in the page.
  channels.on('note', (context, { roomId, text }) => {
    context.append(roomId, 'note', { text, by: context.user.name })
    return ([stored]: readonly Stored[]) => ({ seq: stored?.seq })
  })
  channels.on('pointing', (context, { roomId, x }) => {
    context.to(roomId).volatile.emit('pointing', { userId: context.user.sub, x })
  })
  return roomful
}
