/** Serves the two pages and the room they share. The scripts are built at the start, as React's development build. B21. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful, type Roomful } from '@roomful/server'
import { build } from 'esbuild'

const PAGES: Readonly<Record<string, string>> = { '/': 'hooks-page', '/socketio': 'socketio-page' }

export interface Application {
  readonly url: string
  readonly roomful: Roomful
  close(): Promise<void>
}

export async function startApplication(port: number): Promise<Application> {
  const scripts = new Map<string, string>()
  for (const name of Object.values(PAGES)) scripts.set(`/${name}.js`, await bundle(name))

  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*/, '')
    const script = scripts.get(path)
    const page = PAGES[path]
    if (script !== undefined) return void response.setHeader('content-type', 'text/javascript').end(script)
    if (page === undefined) return void response.writeHead(404).end()
    response.setHeader('content-type', 'text/html; charset=utf-8').end(html(page))
  })
  const roomful = createRoomful({ data: ':memory:' })
  roomful.chat(roomful.namespace('/', undefined, { guests: true }))
  roomful.attach(server)
  await roomful.start()
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    roomful,
    close: async () => {
      await roomful.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function bundle(page: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [new URL(`${page}.tsx`, import.meta.url).pathname],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['source'],
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"development"' },
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

function html(page: string): string {
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <link rel="icon" href="data:,">
  <title>Lobby</title>
  <style>body { font: 16px/1.5 system-ui; margin: 2rem auto; max-width: 40rem; padding: 0 1rem; color-scheme: light dark }</style>
  <div id="app"></div>
  <script type="module" src="/${page}.js"></script>
</html>`
}
