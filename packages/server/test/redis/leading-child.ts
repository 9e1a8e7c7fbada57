/** A node that leads `clock`: what it publishes says by which fence. It writes its port, and each refusal. */
import { createRoomful } from '@roomful/server'
import { leadClock } from './lead-clock.ts'

const [redisUrl = '', redisPrefix = '', jwtSecret = ''] = process.argv.slice(2)
const observer = {
  observe: (fact: { type: string; what?: string }) => {
    if (fact.type === 'lead') process.stdout.write(`${fact.what}\n`)
  },
}
const roomful = createRoomful({ data: ':memory:', redisUrl, redisPrefix, jwtSecret, observer })
roomful.standardNamespaces()
leadClock(roomful)
process.stdout.write(`${(await roomful.listen({ port: 0, host: '127.0.0.1' })).port}\n`)
process.once('SIGTERM', () => void roomful.close().then(() => process.exit(0)))
