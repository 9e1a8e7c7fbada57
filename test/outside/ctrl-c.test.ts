/**
 * Ctrl-C in the terminal of `npm start`. It reaches the whole process group, and npm passes on what it gets, so the
 * server hears one key press twice within a few milliseconds; that must not count as the second signal, which forces.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('The probe has no port.')
  return address.port
}

async function untilHealthy(port: number, deadlineMs: number): Promise<void> {
  for (const startedAt = Date.now(); Date.now() - startedAt < deadlineMs; ) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`No answer from /health within ${deadlineMs} ms.`)
}

it('[A2.4] Ctrl-C, which the server hears twice, is one polite shutdown with exit code 0', {
  timeout: 60_000,
}, async () => {
  const port = await freePort()
  const data = await mkdtemp(join(tmpdir(), 'ctrl-c-'))
  const npm = spawn('npm', ['start'], {
    cwd: root,
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, PORT: String(port), ROOMFUL_DATA: data, JWT_SECRET: 'a-secret-for-tests-of-32-characters' },
  })
  const exited = once(npm, 'exit')
  const group = -(npm.pid as number)
  try {
    await untilHealthy(port, 30_000)
    process.kill(group, 'SIGINT')
    expect(await exited).toEqual([0, null])
  } finally {
    if (npm.exitCode === null && npm.signalCode === null) process.kill(group, 'SIGKILL')
    await rm(data, { recursive: true, force: true })
  }
})
