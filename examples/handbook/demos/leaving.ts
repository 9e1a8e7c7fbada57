/** A client that vanishes without a word: what is left of it, and of the room in which it was alone. */
import { Client, type Demo, start } from '../demo.ts'

export const leaving: Demo = async (print) => {
  await using server = await start()
  const [ann, ben] = [await Client.open(server.port, 'Ann'), await Client.open(server.port, 'Ben')]
  await ben.ask({ type: 'room:join', roomId: 'lobby' })
  for (const roomId of ['lobby', 'den']) await ann.ask({ type: 'room:join', roomId })
  const list = async (): Promise<string> => {
    const { data } = await ben.ask({ type: 'room:list' })
    const { rooms } = data as { rooms: { roomId: string; count: number }[] }
    return rooms.map(({ roomId, count }) => `${roomId} ${count}`).join(', ')
  }
  print(`rooms:           ${await list()}`)
  ann.socket.terminate()
  const left = await ben.next('user:left')
  print(`Ben is given:    ${left.type} ${left.roomId} ${left.reason}`)
  print(`rooms:           ${await list()}`)
  ben.socket.close(1000)
}
