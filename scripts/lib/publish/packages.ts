/** The packages that are published, lower floors first: each is compiled against the ones below it. */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../command.ts'

export const PUBLISHED = [
  'protocol',
  'client',
  'react',
  'vue',
  'svelte',
  'solid',
  'server',
  'documents',
  'opentelemetry',
  'socket.io',
  'nestjs',
  'testkit',
  'roomful',
  'create-roomful',
] as const

/** The name under which a folder of `packages` is published. */
export function packageName(folder: string): string {
  return folder.endsWith('roomful') ? folder : `@roomful/${folder}`
}

/** Folders of the templates of `npm create roomful`, each with a manifest that asks for published packages. */
export const TEMPLATES = globSync('packages/create-roomful/templates/*', { cwd: root })

/** Where `npm run pack` leaves the tarballs. */
export const TARBALLS = join(root, 'dist', 'tarballs')
