/**
 * Weighs the SDK as a browser downloads it with an application that calls `connect`; what else the package exports, such as
 * `ReconnectingWebSocket`, weighs only where it is used, and what is loaded on demand when it is. The limit is a promise to its users, kept by a check.
 */
import { gzipSync } from 'node:zlib'
import { build, type Plugin } from 'esbuild'

/** Issue-level promise: the core of the SDK fits in ten kilobytes. */
const limitBytes = 10 * 1024

export interface ClientSize {
  readonly bytes: number
  readonly limitBytes: number
}

/** @throws when the client cannot be bundled for a browser, for instance because it imports a module of Node. */
export async function measureClient(root: string): Promise<ClientSize> {
  const bundle = await build({
    stdin: { contents: `export { connect } from './packages/client/src/index.ts'`, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['source'],
    write: false,
    logLevel: 'silent',
    plugins: [withoutOnDemand],
  })
  const [file] = bundle.outputFiles
  if (file === undefined) throw new Error('The bundler gave no file for the client.')
  return { bytes: gzipSync(file.contents, { level: 9 }).byteLength, limitBytes }
}

const withoutOnDemand: Plugin = {
  name: 'without what is loaded on demand',
  setup({ onResolve }) {
    onResolve({ filter: /^(\.|@roomful\/client\/)/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    )
  },
}
