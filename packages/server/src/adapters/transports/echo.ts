/** Sends everything back: `/ws/echo`, and what protocol test suites bite on. A link like any other, with no one behind it. */
import type { Dialect, Encoding } from '../../core/ports/dialect.ts'
import { binaryFrame, textFrame } from './frame.ts'

const NOTHING: Encoding = { key: 'ws:echo', encode: () => undefined }

/** @param prefix what goes before a text */
export function echoDialect(prefix: string): Dialect {
  return {
    name: 'echo',
    resumes: false,
    multiplexed: false,
    view: 'all',
    direct: (data) => (typeof data === 'string' ? textFrame(prefix + data) : binaryFrame(data)),
    encoding: () => NOTHING,
    decode: () => [],
    nameOf: (type) => type,
    ack: () => undefined,
    fail: (_channel, { message }) => textFrame(message),
    control: () => undefined,
  }
}
