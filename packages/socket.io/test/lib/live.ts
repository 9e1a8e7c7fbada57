/** A server in a process of its own, to be killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

const program = new URL('../durable/live-server.ts', import.meta.url).pathname

/** @param data the folder of its log */
export async function live(
  data: string,
  port = 0,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ url: string; port: number; kill: () => Promise<void> }> {
  const args = ['--conditions=source', program, data, String(port)]
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  onTestFinished(() => void server.kill('SIGKILL'))
  const [printed] = (await once(server.stdout, 'data')) as [Buffer]
  const kill = async (): Promise<void> => {
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }
  return { url: `http://localhost:${Number(printed)}`, port: Number(printed), kill }
}
