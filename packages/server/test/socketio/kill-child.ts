/** A server that lives until it is killed: tells its port, keeps its data in a folder. */
import { createRoomful } from '@roomful/server'

const [data = '', port = '0', jwtSecret = ''] = process.argv.slice(2)
const roomful = createRoomful({ data, port: Number(port), jwtSecret, logLevel: 'error' }).standardNamespaces()
process.stdout.write(`${(await roomful.listen()).port}\n`)
