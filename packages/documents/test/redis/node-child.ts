/** A node with documents that lives until it is killed: writes its port. */
import { addDocuments } from '@roomful/documents'
import { createRoomful } from '@roomful/server'

const [redisUrl = '', redisPrefix = '', jwtSecret = ''] = process.argv.slice(2)
const roomful = createRoomful({ data: ':memory:', redisUrl, redisPrefix, jwtSecret, logLevel: 'error' })
roomful.namespace('/documents')
addDocuments(roomful, '/documents', { foldUpdates: 20 })
process.stdout.write(`${(await roomful.listen({ port: 0 })).port}\n`)
