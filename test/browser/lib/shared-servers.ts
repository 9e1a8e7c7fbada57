/**
 * One Chromium and one Commons for all test files of a run: started for the first file that asks, closed after the last.
 * They live in vitest's own process, as its global setup; test files ask over HTTP. Starting either takes seconds of both
 * cores, and files run one after another.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserServer } from 'playwright-core'
import type { TestProject } from 'vitest/node'
import { Server, UNLIMITED } from '../../outside/lib/server.ts'
import { launchChromium } from './chromium.ts'
import { buildWebApp } from './web-app.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where test files ask for the shared servers. */
    sharedServersUrl: string
  }
}

/** The server that all files share. */
export interface SharedServer {
  readonly port: number
  /** What it wrote when it was first started. */
  readonly output: string
}

export default async function shareServers(project: TestProject): Promise<() => Promise<void>> {
  let chromium: Promise<BrowserServer> | undefined
  let commons: Promise<Server> | undefined
  let firstOutput: string | undefined

  async function startCommons(): Promise<Server> {
    buildWebApp()
    return await Server.start({ env: UNLIMITED })
  }

  async function restartCommons(how: 'stop' | 'kill'): Promise<Server> {
    const server = await (commons ?? startCommons())
    await server[how]()
    const { port, data } = server
    return await Server.start({ port, data, env: UNLIMITED })
  }

  /** @returns the answer for a test file */
  async function answer(path: string): Promise<string | SharedServer> {
    if (path === '/chromium') {
      chromium ??= launchChromium()
      return (await chromium).wsEndpoint()
    }
    if (path === '/stop' || path === '/kill') commons = restartCommons(path === '/stop' ? 'stop' : 'kill')
    commons ??= startCommons()
    const { port, output } = await commons
    firstOutput ??= output
    return { port, output: firstOutput }
  }

  const server = createServer(({ url = '' }, response) => {
    answer(url).then(
      (value) => response.end(JSON.stringify(value)),
      (error) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  project.provide('sharedServersUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)

  return async () => {
    server.close()
    await Promise.allSettled([
      chromium?.then((browser) => browser.close()),
      commons?.then((server) => server.dispose()),
    ])
  }
}
