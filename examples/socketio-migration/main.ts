/** Run it: `npm run example -- socketio-migration`. Two people chat, on one server and then on the others. */
import { SignJWT } from 'jose'
import { type Screen, startChat } from './client.ts'
import { startRooms } from './rooms.ts'
import { startServer } from './server.ts'

const secret = 'only for this example, which keeps nothing'

function tokenOf(name: string): Promise<string> {
  return new SignJWT({ name })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(name)
    .sign(new TextEncoder().encode(secret))
}

function screenOf(who: string, onMessage: () => void): Screen {
  return {
    appendMessage: (message) => {
      console.log(` ${who} sees`, message)
      onMessage()
    },
    showTypingIndicator: (userId) => console.log(` ${who} sees that ${userId} is typing`),
    showDelivered: (content) => console.log(` ${who}'s ${JSON.stringify(content)} was delivered`),
    showProblem: (message) => console.log(` ${who} has a problem: ${message}`),
  }
}

const servers = [
  ['server.ts on socket.io', () => startServer('socket.io', secret)],
  ['server.ts on @roomful/socket.io', () => startServer('@roomful/socket.io', secret)],
  ["Roomful's own rooms", () => startRooms(secret, ':memory:')],
] as const
for (const [name, start] of servers) {
  const server = await start()
  console.log(`${name} at ${server.url}`)
  const ann = startChat(
    server.url,
    await tokenOf('ann'),
    screenOf('ann', () => undefined),
  )
  await new Promise<void>((resolve) => ann.socket.once('connect', resolve))
  ann.socket.on('user:joined', () => ann.send('Hello!'))
  const token = await tokenOf('ben')
  await new Promise<void>((resolve) => startChat(server.url, token, screenOf('ben', resolve)))
  await server.close()
}
process.exit()
