/** Run with a limit on the size of files: writes a document until that is met, and tells what became of everybody. */
import { addDocuments } from '@roomful/documents'
import { createRoomful, type RoomfulError } from '@roomful/server'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const [data = ''] = process.argv.slice(2)
const notices: string[] = []
const roomful = createRoomful({
  data,
  auth: 'optional',
  observer: { observe: (fact) => void (fact.type === 'notice' && notices.push(fact.message)) },
})
roomful.namespace('/documents')
const documents = addDocuments(roomful, '/documents', { foldUpdates: 1_000_000 })
const { port } = await roomful.listen({ port: 0 })
const doc = new Y.Doc()
const provider = new WebsocketProvider(`ws://localhost:${port}/yjs`, 'plan', doc, { disableBc: true })
const closed = new Promise<number | undefined>((resolve) => {
  provider.on('connection-close', (event: CloseEvent | null) => resolve(event?.code))
})
const write = (): Promise<void> =>
  documents.use('plan', (shared) => shared.getText('content').insert(0, 'x'.repeat(50_000)))
let stored = 0
let code = ''
for (let i = 0; i < 100 && code === ''; i++) {
  await write().then(
    () => stored++,
    (error: RoomfulError) => {
      code = error.code
    },
  )
}
const closeCode = await closed
provider.destroy()
provider.awareness.destroy()
const length = await documents.use('plan', (shared) => shared.getText('content').length)
process.stdout.write(JSON.stringify({ stored, code, closeCode, length, hasNotice: notices.length > 0 }))
await roomful.close()
