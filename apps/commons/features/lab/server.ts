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

  server.lead('lab', (lead) => {
    const room = lead.fenced(lab).to(LAB_ROOM)
    let count = 0
    const tick = async (): Promise<void> => {
      const users = await lab.roomUsers(LAB_ROOM)
      if (users.length > 0) room.emit('lab:tick', { count: ++count })
    }
    const stop = every(clock, TICK_MS, () => void tick().catch(() => undefined)) // the next one
    lead.lost.addEventListener('abort', stop)
  })
}
