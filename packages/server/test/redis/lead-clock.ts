/** What the nodes of a test run once: a tick in a room, with the fence of the node that leads. */
import type { Lead, Leading, Roomful } from '@roomful/server'

const TICK_MS = 50

/** It goes on after its end, as a program does that was suspended and does not know. */
export function leadClock(roomful: Roomful, onLead: (lead: Lead) => void = () => undefined): Leading {
  return roomful.lead('clock', (lead) => {
    onLead(lead)
    const clock = lead.fenced(roomful.get('/public'))
    const { fence } = lead
    let failed = 0
    const timer = setInterval(() => {
      clock.publish('clock', 'tick', [{ fence, pid: process.pid }]).catch(() => {
        if (++failed === 20) clearInterval(timer)
      })
    }, TICK_MS)
    lead.answer((question) => ({ pid: process.pid, fence, question }))
  })
}
