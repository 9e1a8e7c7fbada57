/** Runs a program of the workspace and keeps what it said; a failing exit code is a result, a program that cannot start is an error. */
import { spawn } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface CommandResult {
  readonly ok: boolean
  /** Standard output and standard error as they came. */
  readonly output: string
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Also show the output while it comes. */
  readonly show?: boolean
}

export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>()
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, PATH: path, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (options.show) process.stderr.write(text)
    })
  }
  child.on('error', reject)
  child.on('close', (code) => resolve({ ok: code === 0, output }))
  return promise
}
