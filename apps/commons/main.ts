/** Commons, which `npm start` runs: a Roomful server, the features built on it, and the web app that shows them. */
import { ConfigError, type Roomful, runServer } from '@roomful/server'
import { createCommons } from './commons.ts'
import { Database } from './database.ts'
import { serveDocuments } from './features/documents/server.ts'
import { addFeatures } from './features/index.ts'
import { Endings } from './features/inspector/endings.ts'
import { FactCounter } from './features/inspector/fact-counter.ts'
import { NAMESPACES } from './features/inspector/namespaces.ts'
import { addInspector } from './features/inspector/server.ts'
import { ensureAdmin } from './server/admin.ts'
import { serveWebApp } from './server/web-app.ts'

const tally = new FactCounter()
const endings = new Endings()

function prepare(roomful: Roomful): readonly string[] {
  if (roomful.basePath !== '') {
    throw new ConfigError('ROOMFUL_BASE_PATH is for servers of your own: the pages of Commons live at /. Leave it out.')
  }
  const folder = process.env.COMMONS_DATA ?? roomful.storage.folder
  const commons = createCommons(roomful.standardNamespaces(), new Database(folder))
  addFeatures(commons)
  serveDocuments(commons, roomful)
  addInspector(commons, { tally, endings }, NAMESPACES)
  serveWebApp(roomful.server)
  const notes: string[] = []
  roomful.whileOpen(async () => {
    notes.push(...(await ensureAdmin(roomful, folder)))
  })
  return notes
}

runServer({
  argv: process.argv.slice(2),
  env: { ROOMFUL_STORIES: 'on', ...process.env }, // the inspector tells them
  prepare,
  observer: {
    observe(fact) {
      tally.observe(fact)
      endings.observe(fact)
    },
  },
  tokenCommand: 'npm run -s roomful -- token',
}).then((code) => process.exit(code))
