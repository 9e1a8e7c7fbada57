/** Makes tarballs of the built packages, as `npm publish` would send them. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, runCommand } from '../command.ts'
import { publishedManifest } from './manifest.ts'
import { PUBLISHED, TARBALLS } from './packages.ts'

/** A package as it is published. */
export interface Packed {
  readonly name: string
  readonly version: string
  readonly manifest: Record<string, unknown>
  /** Its files before they were packed. */
  readonly folder: string
  readonly tarball: string
}

const STAGE = join(root, 'dist', 'stage')

/** @param folders of `packages`, built. @throws Error (rejects) when npm cannot pack one */
export async function packAll(folders: readonly string[] = PUBLISHED): Promise<Packed[]> {
  rmSync(STAGE, { recursive: true, force: true })
  rmSync(TARBALLS, { recursive: true, force: true })
  mkdirSync(TARBALLS, { recursive: true })
  return Promise.all(folders.map(packOne))
}

async function packOne(folder: string): Promise<Packed> {
  const from = join(root, 'packages', folder)
  const staged = join(STAGE, folder)
  const isOwn = (path: string): boolean => !/\/(?:node_modules|test)$/.test(path)
  cpSync(from, staged, { recursive: true, filter: isOwn })
  cpSync(join(root, 'LICENSE'), join(staged, 'LICENSE'))
  const manifest = publishedManifest(JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')))
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  const { ok, output } = await runCommand('npm', ['pack', staged, '--pack-destination', TARBALLS, '--loglevel=error'])
  const file = output.trim().split('\n').at(-1) ?? ''
  if (!ok || !file.endsWith('.tgz')) throw new Error(`npm could not pack ${folder}:\n${output}`)
  const { name, version } = manifest as { name: string; version: string }
  return { name, version, manifest, folder: staged, tarball: join(TARBALLS, file) }
}
