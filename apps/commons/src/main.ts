/** Commons, which `npm start` runs: a server with the standard namespaces. */
import { runServer } from '@roomful/server'

runServer({
  argv: process.argv.slice(2),
  env: process.env,
  prepare: (roomful) => roomful.standardNamespaces(),
  tokenCommand: 'npm run -s roomful -- token',
}).then((code) => process.exit(code))
