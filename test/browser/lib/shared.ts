/** The browser and the server that all test files of a run share, as a file uses them. */
import { type Browser, chromium } from 'playwright-core'
import { inject } from 'vitest'
import { RunningServer } from '../../outside/lib/running-server.ts'
import type { SharedServer } from './shared-servers.ts'

/** What is opened in it through here ends with its `close`; the browser itself stays. */
export async function openChromium(): Promise<Browser> {
  return await chromium.connect(await ask<string>('/chromium'))
}

/** Commons with the built web app and without limits that a test would hit by accident. */
export async function openServer(): Promise<RunningServer & SharedServer> {
  return asServer(await ask<SharedServer>('/commons'))
}

/** Ends the shared server and starts it again on the same port and data. */
export async function restartServer(how: 'stop' | 'kill'): Promise<RunningServer & SharedServer> {
  return asServer(await ask<SharedServer>(`/${how}`))
}

function asServer({ port, output }: SharedServer): RunningServer & SharedServer {
  return Object.assign(new RunningServer(port), { output })
}

/** @throws with the reason why it could not be opened */
async function ask<Answer>(path: string): Promise<Answer> {
  const response = await fetch(inject('sharedServersUrl') + path)
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Answer
}
