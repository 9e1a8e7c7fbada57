/**
 * Makes a checkout ready to run: the locked dependencies, and through them a Node that is new enough; with `--web` also
 * the web app. Every command of the root package.json begins with it, so this file alone must work on Node 20 with
 * nothing installed.
 *
 * The pinned Node is an optional dependency per platform; npm links it as `node_modules/.bin/node`, which comes first
 * on the PATH of npm scripts. So what a script runs after `setup && hash -r` is already the new Node, and `exec`
 * leaves it as npm's direct child: signals and exit codes need no forwarding.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldestNode = 24
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const windows = process.platform === 'win32'

/** What npm wrote down when it last finished installing agrees with the lockfile, whatever the files' times say. */
function dependenciesAreInstalled() {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true
    const found = installed[path]
    if (found === undefined) return entry.optional === true || entry.devOptional === true
    return found.version === entry.version && found.integrity === entry.integrity && found.link === entry.link
  })
}

function installDependencies() {
  process.stderr.write('Installing the locked dependencies…\n')
  // Whatever NODE_ENV or the user's npm settings leave out, the workspace needs: tests the one, the pinned Node the other.
  const all = ['--include=dev', '--include=optional']
  const npm = spawnSync('npm', ['ci', ...all, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: windows,
  })
  if (npm.error) throw npm.error
  if (npm.status !== 0) stop(`npm ci failed (${npm.signal ?? `exit code ${npm.status}`}); its own words are above.`)
}

function nodeIsNewEnough() {
  if (existsSync(join(root, 'node_modules', '.bin', windows ? 'node.cmd' : 'node'))) return true
  return Number.parseInt(process.versions.node, 10) >= oldestNode
}

function stop(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

if (!dependenciesAreInstalled()) installDependencies()
if (!nodeIsNewEnough()) {
  stop(
    `Roomful needs Node ${oldestNode} or newer. This is ${process.version}, and npm has no newer one for ` +
      `${process.platform}-${process.arch} (or optional dependencies are switched off). Install one and try again.`,
  )
}
if (process.argv.includes('--web')) {
  const { buildWebAppIfStale } = await import('./lib/web-app.mjs')
  if (!buildWebAppIfStale(root)) stop('The web app could not be built; the reason is above.')
}
