/**
 * `kill -9` in the middle of what is done to a server that runs: a batch of webhooks, a backup, a restore. Nothing that was
 * acknowledged is lost, and nothing half done passes for whole. docs/backup.md, docs/webhooks.md.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Receiver } from '../../packages/server/test/webhooks/open-receiver.ts'
import { pinnedNode } from '../outside/lib/node.ts'
import { until, within } from '../outside/lib/wait.ts'

/** What `roomful` runs. */
export const CLI = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))
const MS = 30_000

/** A command beside the server. */
function begin(...args: string[]): ChildProcess {
  return spawn(pinnedNode(), ['--conditions=source', CLI, ...args], {
    env: { PATH: process.env.PATH },
    stdio: 'ignore',
  })
}

async function finish(child: ChildProcess, what: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await within(once(child, 'exit'), MS, what)
  if (child.exitCode !== 0) throw new Error(`${what} ended with ${child.exitCode ?? child.signalCode}`)
}

/** Resolves once it has begun to write, or has ended. @returns whether it was in the middle */
async function inTheMiddle(child: ChildProcess, draft: string): Promise<boolean> {
  await until(() => existsSync(draft) || child.exitCode !== null, { timeoutMs: MS, everyMs: 1, what: draft })
  return child.exitCode === null
}

async function killInTheMiddle(child: ChildProcess, draft: string): Promise<boolean> {
  const exited = once(child, 'exit')
  const wasInTheMiddle = await inTheMiddle(child, draft)
  child.kill('SIGKILL')
  if (wasInTheMiddle) await exited
  return wasInTheMiddle
}

/**
 * The server is killed while a batch of webhooks is at the receiver, neither taken nor refused.
 * @param kill ends it with SIGKILL, and starts it again
 * @param write makes an event, where nothing else does
 */
export async function killInWebhookBatch(
  receiver: Receiver,
  kill: () => Promise<void>,
  write: () => Promise<void> = async () => undefined,
): Promise<void> {
  const isAsked = Promise.withResolvers<void>()
  receiver.answer = () => isAsked.resolve()
  await write()
  await within(isAsked.promise, MS, 'a batch of webhooks')
  await kill()
  receiver.answer = undefined
}

/**
 * The server is killed while it is being backed up, which needs no server; and then a backup itself.
 * @param folder one that does not exist, for both
 * @returns the first backup, which is whole
 */
export async function killInBackup(data: string, folder: string, kill: () => Promise<void>): Promise<string> {
  const backup = begin('backup', '--data', data, '--to', folder)
  await inTheMiddle(backup, `${folder}.part`)
  await kill()
  await finish(backup, 'a backup of a server that was killed')
  const again = `${folder}-again`
  await killInTheMiddle(begin('backup', '--data', data, '--to', again), `${again}.part`)
  if (existsSync(again) && !existsSync(join(again, 'backup.json')))
    throw new Error('A backup that was killed passes for whole')
  return folder
}

/**
 * A restore is killed, and done again.
 * @param data the folder for it, which does not exist
 * @returns whether the first one was in the middle
 */
export async function killInRestore(backup: string, data: string): Promise<boolean> {
  const wasInTheMiddle = await killInTheMiddle(begin('restore', '--from', backup, '--data', data), `${data}.part`)
  rmSync(data, { recursive: true, force: true }) // it was quicker, and is whole
  await finish(begin('restore', '--from', backup, '--data', data), 'a restore after one that was killed')
  return wasInTheMiddle
}

/** What a backup is made of while nothing happens. */
export async function backUp(data: string, folder: string): Promise<string> {
  await finish(begin('backup', '--data', data, '--to', folder), 'a backup')
  return folder
}
