/**
 * The link of a single request: its acknowledgement is the HTTP answer, and it receives no events. The dialect marks an
 * answer by its first byte, which tells the wire its HTTP status.
 */
import type { ServerResponse } from 'node:http'
import { CLOSE_CODES, plainName, toJson, type WireError } from '@roomful/protocol'
import { fromWire, RoomfulError } from '../../../core/base/errors.ts'
import type { Link } from '../../../core/link/link.ts'
import type { Dialect } from '../../../core/ports/dialect.ts'
import type { Wire } from '../../../core/ports/wire.ts'
import { replyError, replyJsonText } from '../exchange.ts'

const ANSWER = '+'
const REFUSAL = '-'
const utf8 = new TextEncoder()

/** Encodes only acknowledgements and errors. */
export const sendDialect: Dialect = {
  name: 'http',
  resumes: false,
  multiplexed: false,
  view: 'all',
  encoding: () => ({ key: 'http', encode: () => undefined }),
  decode: () => [],
  nameOf: plainName,
  ack: (_channel, _id, data) => utf8.encode(ANSWER + toJson(data ?? null)),
  fail: (_channel, error) => utf8.encode(REFUSAL + JSON.stringify(error)),
  control: () => undefined,
}

/** The wire of one `POST /send`. */
export class SendWire implements Wire {
  readonly hasPongs = false
  readonly queuedBytes = 0
  private readonly response: ServerResponse
  private link: Link | undefined
  private isEntered = false
  private isOver = false

  constructor(response: ServerResponse) {
    this.response = response
    response.on('close', () => this.end(CLOSE_CODES.NO_STATUS.code, ''))
  }

  attach(link: Link): void {
    this.link = link
    if (this.response.destroyed) this.end(CLOSE_CODES.NO_STATUS.code, '')
  }

  /** The connection is open. From now on a close of the link answers the request; before, an error of `enter` does. */
  entered(): void {
    this.isEntered = true
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.isOver) return
    const text = Buffer.concat(buffers).toString()
    if (text.startsWith(ANSWER)) replyJsonText(this.response, 200, text.slice(ANSWER.length))
    else replyError(this.response, fromWire(JSON.parse(text.slice(REFUSAL.length)) as WireError))
    this.end(CLOSE_CODES.NORMAL.code, '')
  }

  pauseReading(): void {}

  resumeReading(): void {}

  /** It is alive for as long as its request. */
  ping(): void {
    this.link?.alive()
  }

  close(code: number, reason: string): void {
    if (this.isEntered && !this.isOver)
      replyError(this.response, new RoomfulError(REFUSALS[code] ?? 'UNAVAILABLE', reason))
    this.end(code, reason)
  }

  terminate(): void {
    this.isOver = true
    this.response.destroy()
  }

  private end(code: number, reason: string): void {
    if (this.isOver) return
    this.isOver = true
    queueMicrotask(() => this.link?.closed(code, reason)) // not now: the link may be writing
  }
}

const REFUSALS: Readonly<Record<number, string>> = {
  [CLOSE_CODES.TOKEN_EXPIRED.code]: 'TOKEN_EXPIRED',
  [CLOSE_CODES.FORBIDDEN.code]: 'FORBIDDEN',
  [CLOSE_CODES.KICKED.code]: 'FORBIDDEN',
  [CLOSE_CODES.POLICY.code]: 'RATE_LIMITED',
}
