/** A server with documents that lives until it is killed: tells its port, keeps its data in a folder. */
import { addDocuments } from '@roomful/documents'
import { createRoomful } from '@roomful/server'

const [data = '', port = '0', jwtSecret = ''] = process.argv.slice(2)
const roomful = createRoomful({ data, port: Number(port), jwtSecret, logLevel: 'error' })
roomful.namespace('/documents')
addDocuments(roomful, '/documents', { foldUpdates: 20 })
process.stdout.write(`${(await roomful.listen()).port}\n`)
