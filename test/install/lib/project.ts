/** An empty project somewhere else, into which the packed packages are installed as a user would. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { pinnedNode, ROOT } from '../../outside/lib/node.ts'

const run = promisify(execFile)
const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url))

/** Also what takes longer: `INSTALL=all npm test -- install`. */
export const WHOLE = process.env.INSTALL === 'all'

export interface Said {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

export interface RunOptions {
  /** The program. Default: the pinned one. */
  readonly node?: string
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>
  /** Default 60 s. */
  readonly timeoutMs?: number
}

/** Of the process that runs the tests, without what would let a program find the sources of the workspace. */
function environment(node: string): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, NODE_PATH: __, ...others } = process.env
  return { ...others, PATH: `${dirname(node)}:${process.env.PATH}` }
}

export class Project {
  readonly folder: string

  /**
   * @param manifest of the project
   * @param folder one that has a project already; a new one by default
   */
  constructor(manifest: Readonly<Record<string, unknown>> = {}, folder?: string) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'roomful-install-'))
    if (folder === undefined) this.write('package.json', JSON.stringify({ private: true, ...manifest }))
    this.write('.npmrc', inject('npmrc'))
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  /** Copies files of the fixtures. */
  copy(...names: readonly string[]): void {
    for (const name of names) cpSync(join(FIXTURES, name), join(this.folder, name), { recursive: true })
  }

  /** @throws Error (rejects) with what npm printed */
  async install(...packages: readonly string[]): Promise<void> {
    const { code, stderr, stdout } = await this.run('npm', [
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...packages,
    ])
    if (code !== 0) throw new Error(`npm install failed:\n${stderr}\n${stdout}`)
  }

  /** Runs a program in the project; a failing exit code is a result. */
  async run(
    program: string,
    args: readonly string[],
    { node = pinnedNode(), env = {}, timeoutMs = 60_000 }: RunOptions = {},
  ): Promise<Said> {
    try {
      const environs = { ...environment(node), ...env }
      const options = { cwd: this.folder, env: environs, timeout: timeoutMs, maxBuffer: 16 * 1024 ** 2 }
      return { ...(await run(program === 'node' ? node : program, [...args], options)), code: 0 }
    } catch (error) {
      const { stdout = '', stderr = String(error), code } = error as Partial<Said>
      return { stdout, stderr, code: typeof code === 'number' ? code : 1 }
    }
  }

  /**
   * Runs TypeScript with a configuration file.
   * @param compiler the workspace's own by default
   * @returns its errors, or an empty text
   */
  async types(config: string, compiler = join(ROOT, 'node_modules/.bin/tsc')): Promise<string> {
    const { stdout, stderr } = await this.run(compiler, ['--project', config, '--pretty', 'false'])
    return stdout + stderr
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
