/** The SDK's dialect over WebSocket. PROTOCOL.md 6. */
import {
  decodeV1,
  encodeV1Ack,
  encodeV1Control,
  encodeV1Error,
  encodeV1Event,
  encodeV1Request,
  MAX_CHANNELS,
} from '@roomful/protocol'
import type { Dialect, Encoding } from '../../../core/ports/dialect.ts'
import { refuseBinary } from '../refuse-binary.ts'
import { ackFrame, textFrame } from '../websocket/frames.ts'

/** One per channel number: it stands in the frame, so links that use the same number share the bytes. */
const encodings: readonly Encoding[] = Array.from({ length: MAX_CHANNELS + 1 }, (_, channel) => ({
  key: `ws:v1:${channel}`,
  encode: (event) => textFrame(encodeV1Event(channel, event)),
}))

export const v1Dialect: Dialect = {
  name: 'v1',
  resumes: true,
  multiplexed: true,
  view: 'all',
  encoding: (channel) => encodings[channel] as Encoding,
  decode: (data) => (typeof data === 'string' ? decodeV1(data) : [refuseBinary()]),
  nameOf: (type) => type,
  ack: (channel, id, data) => ackFrame(data, (plain) => encodeV1Ack(channel, id, plain)),
  request: (channel, id, event) => textFrame(encodeV1Request(channel, id, event)),
  fail: (channel, error, id, event) => textFrame(encodeV1Error(channel, error, id, event)),
  control: (type, channel, data) => textFrame(encodeV1Control(type, channel, data)),
}
