/** Reads the JSON body of a request, up to a size and within a time. */
import type { IncomingMessage } from 'node:http'
import { fromJson, isRecord, isTooDeep, MAX_JSON_DEPTH } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import { isRefusableUnread, sendContinue } from '../transports/http-request.ts'

/** The default: many times the size of a name and a password. */
const BODY_MAX_BYTES = 16 * 1024
/** The rest of a body that is too large is read and dropped up to this size: most clients read a refusal only after sending. */
const DROPPED_MAX_BYTES = 4 * 1024 ** 2
const BODY_TIMEOUT_MS = 10_000

/**
 * @returns the object in the body, with `{"$binary": …}` read as bytes; an empty object for an empty body
 * @throws RoomfulError (rejects) TOO_LARGE, PARSE_ERROR, INVALID_MESSAGE, TIMEOUT
 */
export async function readJsonBody(
  request: IncomingMessage,
  maxBytes: number = BODY_MAX_BYTES,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(request, maxBytes)
  return text.trim() === '' ? {} : parseJsonBody(text)
}

/** Parses a body that must be a JSON object. @throws RoomfulError PARSE_ERROR, INVALID_MESSAGE */
export function parseJsonBody(text: string): Readonly<Record<string, unknown>> {
  if (isTooDeep(text)) {
    throw new RoomfulError('INVALID_MESSAGE', `The body is nested deeper than ${MAX_JSON_DEPTH} levels`)
  }
  let value: unknown
  try {
    value = fromJson(text)
  } catch (cause) {
    throw new RoomfulError('PARSE_ERROR', undefined, { cause })
  }
  if (isRecord(value)) return value
  throw new RoomfulError('INVALID_MESSAGE', 'The body must be a JSON object')
}

/**
 * Reads a body as text.
 * @param maxBytes a larger body is refused
 * @throws RoomfulError (rejects) TOO_LARGE, INVALID_MESSAGE, TIMEOUT
 */
export function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): RoomfulError =>
      new RoomfulError('TOO_LARGE', `The body is too large: at most ${maxBytes} bytes`)
    if (isRefusableUnread(request, maxBytes)) return reject(tooLarge())
    sendContinue(request)
    const chunks: Buffer[] = []
    let bytes = 0
    const timeout = setTimeout(() => {
      request.off('data', onData)
      reject(new RoomfulError('TIMEOUT', 'The body of the request did not arrive in time'))
    }, BODY_TIMEOUT_MS)
    function onData(chunk: Buffer): void {
      bytes += chunk.length
      if (bytes <= maxBytes) chunks.push(chunk)
      else chunks.length = 0
      if (bytes > DROPPED_MAX_BYTES) reject(tooLarge())
    }
    request.on('data', onData)
    request.once('end', () => (bytes > maxBytes ? reject(tooLarge()) : resolve(Buffer.concat(chunks).toString())))
    request.once('error', reject)
    request.once('close', () => {
      clearTimeout(timeout)
      // An error is costly because of its stack, so it is made only for a body that was cut off.
      if (!request.readableEnded) reject(new RoomfulError('INVALID_MESSAGE', 'The request was cut off'))
    })
  })
}
