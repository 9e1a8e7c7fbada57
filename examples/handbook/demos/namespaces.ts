/** A namespace has a door of its own; a room is a group behind it. One building, two floors. */
import { requireRole } from '@roomful/server'
import { Client, type Demo, start } from '../demo.ts'

const USERS: Readonly<Record<string, { sub: string; name: string; role: string }>> = {
  ann: { sub: 'ann', name: 'Ann', role: 'guard' },
  ben: { sub: 'ben', name: 'Ben', role: 'user' },
}

export const namespaces: Demo = async (print) => {
  await using server = await start(
    (roomful) => {
      const offices = roomful.namespace('/offices')
      const vault = roomful.namespace('/vault')
      vault.use(requireRole('guard'))
      for (const floor of [offices, vault]) {
        roomful.chat(floor)
        floor.room('meeting', { allow: { join: () => true } })
      }
      offices.room('board', { allow: { join: ({ role }) => role === 'guard' } })
    },
    { authenticate: (_request, { token }) => USERS[String(token)] },
  )
  const open = async (path: string, name: string): Promise<Client> => {
    const client = new Client(`ws://127.0.0.1:${server.port}/ws/${path}?token=${name}`)
    await Promise.race([client.next('auth_ok'), client.closed])
    return client
  }

  print('The door of a floor: Ben has no key for the vault')
  const { code, reason } = await (await open('vault', 'ben')).closed
  print(`  /vault: closed with ${code} ${reason}`)

  print('The door of a room: Ben is on the floor, but not in the board room')
  const ben = await open('offices', 'ben')
  print(`  /offices, room board: ${JSON.stringify((await ben.ask({ type: 'room:join', roomId: 'board' })).error)}`)

  print('Two rooms of one name on two floors are two rooms')
  const [above, below] = [await open('offices', 'ann'), await open('vault', 'ann')]
  for (const client of [ben, above, below]) await client.ask({ type: 'room:join', roomId: 'meeting' })
  await ben.ask({ type: 'chat:message', roomId: 'meeting', content: 'Hello, offices' })
  for (const [name, client] of Object.entries({ '/offices': above, '/vault': below })) {
    client.send({ type: 'ping' })
    await client.next('pong') // what was said before is here by now
    const [message] = client.all('chat:message')
    print(`  Ann in ${name}, room meeting: ${message === undefined ? 'nothing' : message.content}`)
  }
  for (const client of [ben, above, below]) client.socket.close(1000)
}
