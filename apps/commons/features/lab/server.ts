/** A feed to measure: it ticks in the room `lab` while the room has members, over any transport. B12. */
import { type Commons, every } from '../../commons.ts'
import { labContract } from './contract.ts'

const LAB_ROOM = 'lab'
export const TICK_MS = 1_000
/** Ten minutes. */
const RETENTION = 600

export function addLab({ server, clock }: Commons): void {
  const lab = server.get('/').extend(labContract)
  lab.room(LAB_ROOM, { retention: RETENTION, allow: { publish: () => false } })
  let count = 0
  let stop: (() => void) | undefined

  lab.hook('enter', (_user, roomId) => {
    if (roomId !== LAB_ROOM) return
    stop ??= every(clock, TICK_MS, () => lab.to(LAB_ROOM).emit('lab:tick', { count: ++count }))
  })
  const end = (): void => {
    stop?.()
    stop = undefined
  }
  lab.hook('exit', (_user, roomId) => {
    if (roomId === LAB_ROOM && lab.userCount(LAB_ROOM) === 0) end()
  })
  server.whileOpen(() => end)
}
