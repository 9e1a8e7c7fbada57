#!/usr/bin/env node
/** The program `roomful`: runs a command and exits with its code. */
import './cli/require-node.ts'
import type { Roomful } from './api.ts'
import type { RemoteCommand } from './cli/api.ts'
import { backup, type DataCommand, exportEvents, restore } from './cli/data-commands.ts'
import { COMMANDS, help } from './cli/help.ts'
import { load } from './cli/load-command.ts'
import { printConfig, printToken } from './cli/local-commands.ts'
import { erase, explain, publish, tail, who } from './cli/remote-commands.ts'
import { ConfigError, didYouMean } from './config/config-error.ts'
import { EXIT_CODES, runServer } from './run-server.ts'
import { version } from './version.ts'

async function main([command = 'help', ...argv]: readonly string[]): Promise<number> {
  const { env } = process
  if (argv.includes('--help') || argv.includes('-h')) return print(help())
  switch (command) {
    case 'serve':
      return runServer({ argv, env, prepare: standard, tokenCommand: 'roomful token' })
    case 'token':
      return print(await printToken({ argv, env, warn: printError }))
    case 'config':
      return print(printConfig({ argv, env }))
    case 'backup':
      return runOnData(backup, argv)
    case 'restore':
      return runOnData(restore, argv)
    case 'export':
      return runOnData(exportEvents, argv)
    case 'load':
      return runLoadTest(argv)
    case 'erase':
      return runRemote(erase, argv)
    case 'publish':
      return runRemote(publish, argv)
    case 'tail':
      return runRemote(tail, argv)
    case 'who':
      return runRemote(who, argv)
    case 'explain':
      return runRemote(explain, argv)
    case 'help':
    case '--help':
    case '-h':
      return print(help())
    case 'version':
    case '--version':
    case '-v':
      return print(version())
    default:
      throw new ConfigError(`There is no command ${command}.${didYouMean(command, COMMANDS)} Try roomful help.`)
  }
}

async function runLoadTest(argv: readonly string[]): Promise<number> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  const isWhole = await load({ argv, env: process.env, print, signal: stop.signal })
  return isWhole ? EXIT_CODES.ok : EXIT_CODES.failed
}

function runOnData(command: (given: DataCommand) => void, argv: readonly string[]): number {
  command({ argv, env: process.env, print })
  return EXIT_CODES.ok
}

/** Runs a command until it is done or interrupted. */
async function runRemote(command: (given: RemoteCommand) => Promise<void>, argv: readonly string[]): Promise<number> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  await command({ argv, env: process.env, print, signal: stop.signal })
  return EXIT_CODES.ok
}

function standard(roomful: Roomful): [] {
  roomful.standardNamespaces()
  return []
}

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return EXIT_CODES.ok
}

function printError(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    printError(error instanceof Error ? error.message : String(error))
    process.exit(error instanceof ConfigError ? EXIT_CODES.badSettings : EXIT_CODES.failed)
  },
)
