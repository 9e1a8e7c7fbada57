/**
 * `npm run conformance`: without a name a server for public protocol suites to bite on, `-- --port 9001`. With the name of
 * a suite its tests run on `@roomful/socket.io`, and beside it on the official packages: `-- socket.io --suite DIR`.
 */
const [name = '', ...args] = process.argv.slice(2)
const { runSuite, SUITE_NAMES } = await import('./conformance/suites.ts')
if (SUITE_NAMES.includes(name)) process.exitCode = (await runSuite(name, args)) ? 0 : 1
else if (name === '' || name.startsWith('-')) await import('./conformance/server.ts')
else {
  process.stderr.write(`There is no suite ${name}; there are ${SUITE_NAMES.join(', ')}\n`)
  process.exitCode = 1
}

export {}
