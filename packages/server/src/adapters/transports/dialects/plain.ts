/** The plain dialect over WebSocket, and the one that the first classic command turns it into. PROTOCOL.md 4 and 5. */
import {
  decodePlain,
  encodePlainAck,
  encodePlainControl,
  encodePlainError,
  encodePlainEvent,
  encodePlainRequest,
  plainName,
} from '@roomful/protocol'
import type { Dialect, Encoding } from '../../../core/ports/dialect.ts'
import { refuseBinary } from '../refuse-binary.ts'
import { ackFrame, textFrame } from '../websocket/frames.ts'
import { toClassic } from './classic.ts'

const encoding: Encoding = { key: 'ws:plain', encode: (event) => textFrame(encodePlainEvent(event)) }

export const plainDialect: Dialect = {
  name: 'plain',
  resumes: false,
  multiplexed: false,
  view: 'all',
  encoding: () => encoding,
  decode: (data) => [typeof data === 'string' ? decodePlain(data) : refuseBinary()],
  turn: toClassic,
  nameOf: plainName,
  ack: (_channel, id, data) => ackFrame(data, (plain) => encodePlainAck(id, plain)),
  request: (_channel, id, event) => textFrame(encodePlainRequest(id, event)),
  fail: (_channel, error, id, event) => textFrame(encodePlainError(error, id, event)),
  control: (type, _channel, data) => textFrame(encodePlainControl(type, data)),
}
