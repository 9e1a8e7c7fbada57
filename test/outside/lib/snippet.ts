/** Runs a snippet of the requirements C1–C17 as printed there. Only the host that it dials is another: the test's server. */
import { readFileSync } from 'node:fs'
import { createContext, runInContext } from 'node:vm'

/** The text of a snippet, unmodified. */
export function snippet(name: string): string {
  return readFileSync(new URL(`../snippets/${name}.js.txt`, import.meta.url), 'utf8')
}

export interface Stage {
  /** What `console.log` said. */
  logged: unknown[][]
  /** Runs more code in the same global scope. @returns the value of its last expression. */
  run: (code: string) => unknown
}

/** @param url where `wss://example.com/ws` and `wss://api.example.com/ws` lead. */
export function stage(url: string, extra: Record<string, unknown> = {}): Stage {
  class MappedWebSocket extends WebSocket {
    constructor(asked: string) {
      super(/^wss:\/\/(api\.)?example\.com\/ws$/.test(asked) ? url : asked)
    }
  }
  const logged: unknown[][] = []
  const log = (...args: unknown[]): void => {
    logged.push(args)
  }
  const context = createContext({
    WebSocket: MappedWebSocket,
    console: { log, error: log },
    setTimeout,
    clearTimeout,
    Blob,
    crypto,
    ...extra,
  })
  return { logged, run: (code) => runInContext(code, context) as unknown }
}
