/** The server of a test file: one call starts it before the tests and disposes of it after them. */
import { afterAll, beforeAll } from 'vitest'
import { Server, type ServerOptions } from './server.ts'

/** @returns the server, for use within tests and later hooks: it runs once `beforeAll` has */
export function useServer(options: ServerOptions = {}): Server {
  let server: Server | undefined
  beforeAll(async () => {
    server = await Server.start(options)
  })
  afterAll(() => server?.dispose())
  return onceStarted(() => server, 'The server')
}

/** Stands for a value that a hook makes later. */
export function onceStarted<Value extends object>(current: () => Value | undefined, name: string): Value {
  const started = (): Value => {
    const value = current()
    if (value === undefined) throw new Error(`${name} has not started yet: use it in tests and hooks only`)
    return value
  }
  return new Proxy({} as Value, {
    get(_target, property) {
      const value = started()
      const member: unknown = Reflect.get(value, property)
      return typeof member === 'function' ? member.bind(value) : member
    },
  })
}
