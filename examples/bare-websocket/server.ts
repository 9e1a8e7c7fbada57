/** A board of tasks behind an ordinary Node HTTP server: a contract, rules for its rooms, two handlers. */
import { createServer } from 'node:http'
import { createRoomful, RoomfulError } from '@roomful/server'
import { contract } from './contract.ts'

export async function startTasks(port: number): Promise<{ url: string; close: () => Promise<void> }> {
  const roomful = createRoomful({
    data: ':memory:',
    auth: 'optional',
    jwtSecret: 'only for this example, which keeps nothing',
  })
  const tasks = roomful.namespace('/tasks', contract)
  tasks.room('board:*', { allow: { join: (_user, roomId) => roomId !== 'board:private' } })

  tasks.on('save-task', (context, { board, title, description }) => {
    if (title === 'Nothing')
      throw new RoomfulError('CONFLICT', 'There is nothing to do about nothing', { field: 'title' })
    context.append(board, 'task:saved', { title, description, by: context.user.name })
    // Told once the task is stored; a repeat with the same key is told the same.
    return ([stored]) => ({ status: 'ok', taskId: stored?.id ?? '' })
  })
  tasks.on('point-at', (context, { board, x, y }) => {
    context.to(board).emit('cursor', { userId: context.user.sub, x, y })
  })

  const server = createServer((_request, response) => response.end('The rest of your application\n'))
  roomful.attach(server)
  await roomful.start()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  const actualPort = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `ws://localhost:${actualPort}/ws/tasks`,
    close: async () => {
      server.close()
      await roomful.close()
    },
  }
}
