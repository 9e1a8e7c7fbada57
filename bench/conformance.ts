/**
 * `npm run conformance`: without a name a server for public protocol suites to bite on, `-- --port 9001`. With `socket.io`
 * the tests of Socket.IO's own server run on ours: `-- socket.io --suite DIR`.
 */
const [name, ...args] = process.argv.slice(2)
if (name === 'socket.io') {
  const { runSuite } = await import('./conformance/socketio-suite.ts')
  process.exitCode = (await runSuite(args)) ? 0 : 1
} else await import('./conformance/server.ts')

export {}
