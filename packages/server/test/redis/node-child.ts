/** A node that lives until it is killed: writes its port. */
import { createRoomful } from '@roomful/server'

const [redisUrl = '', redisPrefix = '', jwtSecret = ''] = process.argv.slice(2)
const roomful = createRoomful({ data: ':memory:', redisUrl, redisPrefix, jwtSecret, logLevel: 'error' })
roomful.standardNamespaces()
process.stdout.write(`${(await roomful.listen({ port: 0, host: '127.0.0.1' })).port}\n`)
