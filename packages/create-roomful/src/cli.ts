#!/usr/bin/env node
/** `npm create roomful`: copies a template into a new folder. */
import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'

/** Every template, with the line that explains it. */
const TEMPLATES = {
  'react-chat': 'a chat: React hooks, Vite, a server of its own',
  assistant: 'a room where each question gets an answer that grows, without a key',
  express: 'Roomful in an Express application, a page with the SDK',
  websocket: 'one HTML file with a bare WebSocket, nothing to build',
} as const
type Template = keyof typeof TEMPLATES

const USAGE = `Usage: npm create roomful [folder] -- [--template <name>]

Templates:
${Object.entries(TEMPLATES)
  .map(([name, line]) => `  ${name.padEnd(12)} ${line}`)
  .join('\n')}`

/** A mistake of the user; the message is a sentence. */
class UsageError extends Error {}

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = read(argv)
  if (values.help) return print(USAGE)
  const folder = resolve(positionals[0] ?? (await ask('Folder', 'my-roomful-app')))
  const template = checkTemplate(values.template ?? (await ask(`Template (${names()})`, 'react-chat')))
  await create(folder, template)
  print(`Created ${folder} from the template ${template}. Now:

  cd ${positionals[0] ?? basename(folder)}
  npm install
  npm start`)
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { template: { type: 'string', short: 't' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`)
  }
}

const names = (): string => Object.keys(TEMPLATES).join(', ')

function checkTemplate(name: string): Template {
  if (Object.hasOwn(TEMPLATES, name)) return name as Template
  throw new UsageError(`There is no template ${name}. There are: ${names()}.`)
}

/** @throws UsageError (rejects) for a folder that has files */
async function create(folder: string, template: Template): Promise<void> {
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) throw new UsageError(`${folder} is not empty. Name a new folder.`)
  await cp(join(import.meta.dirname, '..', 'templates', template), folder, { recursive: true })
  // npm takes a file of the real name out of every package.
  await rename(join(folder, 'gitignore'), join(folder, '.gitignore'))
  const manifest = join(folder, 'package.json')
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"NAME"', JSON.stringify(packageName(folder))))
}

/** A name that npm accepts, made of the folder's. */
function packageName(folder: string): string {
  return (
    basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'roomful-app'
  )
}

/** @returns the default where no one can be asked */
async function ask(question: string, byDefault: string): Promise<string> {
  if (!process.stdin.isTTY) return byDefault
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question(`${question} [${byDefault}]: `)
  terminal.close()
  return answer.trim() || byDefault
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof UsageError ? error.message : (error as Error).stack}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
})
