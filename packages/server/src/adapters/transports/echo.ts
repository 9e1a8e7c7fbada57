/** Sends everything back: `/ws/echo`, and what protocol test suites bite on. A link like any other, with no one behind it. */
import type { LinkOwner } from '../../core/link/link.ts'
import { ONE_WAY } from '../../core/link/one-way.ts'
import type { Dialect, Encoding } from '../../core/ports/dialect.ts'
import { binaryFrame, textFrame } from './websocket/frames.ts'

const NOTHING: Encoding = { key: 'ws:echo', encode: () => undefined }

export const echoDialect: Dialect = {
  ...ONE_WAY,
  name: 'echo',
  encoding: () => NOTHING,
  fail: (_channel, { message }) => textFrame(message),
  control: () => undefined,
}

/** @param prefix what goes before a text */
export function echo(prefix: string): LinkOwner {
  return {
    receive(link, data) {
      link.send(typeof data === 'string' ? textFrame(prefix + data) : binaryFrame(data))
      return true
    },
  }
}
