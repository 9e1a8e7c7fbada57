/**
 * What a node writes on a request that it passes on: the client's address, and a signature by which the other node knows
 * that one of its own cluster wrote it. Such a request is never passed on again.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export const MARK_HEADER = 'roomful-forwarded'

/** Clocks of nodes differ; anyone who can read a mark on its way can read the id that it is for. */
const VALID_MS = 15 * 60_000

type Marked = Pick<IncomingMessage, 'method' | 'url'>

export class ForwardMark {
  private readonly secrets: readonly { readonly bytes: Uint8Array }[]
  /** Made at the first mark: the secret may be known late. */
  private made: readonly Buffer[] | undefined
  private readonly now: () => number
  private readonly read = new WeakMap<IncomingMessage, string | false>()

  /** @param secret the same on all nodes @param other another one that some of them have, while it is changed */
  constructor(secret: { readonly bytes: Uint8Array }, now: () => number, other?: Uint8Array) {
    this.secrets = other ? [secret, { bytes: other }] : [secret]
    this.now = now
  }

  /** The first writes, each is accepted. */
  private get keys(): readonly Buffer[] {
    this.made ??= this.secrets.map(({ bytes }) => keyOf(bytes))
    return this.made
  }

  write(request: Marked, ip: string): string {
    const at = this.now()
    return `${at} ${ip} ${sign(this.keys[0] as Buffer, request, at, ip)}`
  }

  /** @returns the client's address; false for a mark that no node of this cluster wrote; undefined without one */
  addressOf(request: IncomingMessage): string | false | undefined {
    const mark = request.headers[MARK_HEADER]
    if (mark === undefined) return undefined
    const known = this.read.get(request)
    if (known !== undefined) return known
    const address = this.verify(request, String(mark))
    this.read.set(request, address)
    return address
  }

  private verify(request: IncomingMessage, mark: string): string | false {
    const [at = '', ip = '', signature = ''] = mark.split(' ')
    const given = Buffer.from(signature)
    const isOurs = this.keys.some((key) => {
      const wanted = Buffer.from(sign(key, request, Number(at), ip))
      return given.length === wanted.length && timingSafeEqual(given, wanted)
    })
    if (!isOurs) return false
    return Math.abs(this.now() - Number(at)) <= VALID_MS ? ip : false
  }
}

function keyOf(secret: Uint8Array): Buffer {
  return createHmac('sha256', secret).update('roomful requests between nodes').digest()
}

function sign(key: Buffer, { method, url }: Marked, at: number, ip: string): string {
  return createHmac('sha256', key).update(`${at}\n${ip}\n${method} ${url}`).digest('base64url')
}
