/** The way to a hub in a shared worker. */
import { type Locks, untilFree } from './locks.ts'
import type { FromHub } from './messages.ts'
import type { Route, RouteOptions } from './route.ts'

export type MakeWorker = (name: string) => SharedWorker

/** The bundlers know this form, and put the worker into a file of its own. */
export const makeOwnWorker: MakeWorker = (name) =>
  // Outlives a navigation from the only tab to another page of the application, where the browser knows this option.
  new SharedWorker(new URL('./worker.ts', import.meta.url), {
    type: 'module',
    name,
    extendedLifetime: true,
  } as WorkerOptions)

/** @throws what the constructor throws, such as for a policy of the page that forbids workers */
export function workerRoute(make: MakeWorker, locks: Locks, options: RouteOptions): Route {
  const { group, config, lock, onMessage, onReady, onGone } = options
  const stop = new AbortController()
  let worker: SharedWorker
  let isReady = false
  const start = (): void => {
    worker = make(group)
    const { port } = worker
    const isCurrent = (): boolean => !stop.signal.aborted && worker.port === port
    worker.onerror = () => {
      if (isCurrent() && !isReady) onGone(true) // no such file, or none that may be run
    }
    port.onmessage = ({ data }: MessageEvent<FromHub>) => {
      if (!isCurrent()) return
      if (data.type !== 'ready') return onMessage(data)
      isReady = true
      untilFree(locks, data.lock as string, stop.signal).then(
        () => {
          if (!isCurrent()) return
          isReady = false
          onGone(false)
          try {
            start()
          } catch {
            onGone(true)
          }
        },
        () => undefined, // ended on this side
      )
      onReady()
    }
    port.postMessage({ type: 'hello', lock, config })
  }
  start()
  return {
    leads: 'no',
    post: (message) => worker.port.postMessage(message),
    end() {
      stop.abort()
      worker.port.close()
    },
  }
}
