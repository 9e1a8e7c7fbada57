/**
 * One Chromium and one Commons for all test files of a run: opened when the first file asks, closed when the last has
 * ended. They live in vitest's own process, as its global setup; test files knock over HTTP. Starting either takes
 * seconds of both cores, and files run one after another.
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
    /** Where files knock. */
    house: string
  }
}

/** What is told of the server that all files share. */
export interface SharedServer {
  readonly port: number
  /** What it wrote when it was first started. */
  readonly output: string
}

export default async function openHouse(project: TestProject): Promise<() => Promise<void>> {
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

  /** @returns what is answered to who knocks */
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

  const door = createServer(({ url = '' }, response) => {
    answer(url).then(
      (told) => response.end(JSON.stringify(told)),
      (error) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  project.provide('house', `http://127.0.0.1:${(door.address() as AddressInfo).port}`)

  return async () => {
    door.close()
    await Promise.allSettled([
      chromium?.then((browser) => browser.close()),
      commons?.then((server) => server.dispose()),
    ])
  }
}
