/** Socket.IO packets as WebSocket frames, made once for all receivers of one protocol version. */
import { binaryFrame, textFrame } from '@roomful/server/core'

/** Version of Engine.IO's protocol: 4, or 3 for clients of Socket.IO 2. */
export type Protocol = 3 | 4

/** What an encoder made of one packet: its text, then its attachments. */
export type EncodedPackets = readonly (string | Uint8Array)[]

/** In version 3 the type of a packet precedes bytes as well. */
const MESSAGE_BYTE = Buffer.from([4])

/** One frame for each part; a packet without attachments has one. */
export function framesOf(packets: EncodedPackets, protocol: Protocol): Uint8Array {
  const [first] = packets
  if (packets.length === 1 && typeof first === 'string') return textFrame(`4${first}`)
  return Buffer.concat(packets.map((packet) => frameOf(packet, protocol)))
}

/** The frame of a message. Bytes are copied: their owner may change them afterwards. */
export function frameOf(packet: string | Uint8Array, protocol: Protocol): Uint8Array {
  if (typeof packet === 'string') return textFrame(`4${packet}`)
  return binaryFrame(protocol === 3 ? Buffer.concat([MESSAGE_BYTE, packet]) : packet)
}

/** Frames that are sent as they are, whatever the transport may compress. */
const uncompressed = new WeakSet<Uint8Array>()
const NONE: readonly Uint8Array[] = []

export function isUncompressed(frame: Uint8Array): boolean {
  return uncompressed.has(frame)
}

/** @returns the frame, which no transport compresses from now on */
export function asUncompressed(frame: Uint8Array): Uint8Array {
  uncompressed.add(frame)
  return frame
}

/** @param pack compresses frames. @returns all frames in their order, packed where they may be */
export function packAllowed(
  frames: readonly Uint8Array[],
  pack: (frames: readonly Uint8Array[]) => readonly Uint8Array[],
): readonly Uint8Array[] {
  if (!frames.some(isUncompressed)) return pack(frames)
  const packed: Uint8Array[] = []
  let run: Uint8Array[] = []
  for (const frame of frames) {
    if (!isUncompressed(frame)) run.push(frame)
    else {
      packed.push(...(run.length > 0 ? pack(run) : NONE), frame)
      run = []
    }
  }
  packed.push(...(run.length > 0 ? pack(run) : NONE))
  return packed
}

/** A packet for many receivers. */
export class SharedPacket {
  readonly packets: EncodedPackets
  private current: Uint8Array | undefined
  private older: Uint8Array | undefined

  constructor(packets: EncodedPackets) {
    this.packets = packets
    // At once: what it is made of may change until the first receiver of the older version is found.
    this.current = framesOf(packets, 4)
  }

  /** The event with one more argument; of the standard parser. */
  with(argument: string | null): SharedPacket {
    const [text, ...attachments] = this.packets
    return new SharedPacket([`${(text as string).slice(0, -1)},${JSON.stringify(argument)}]`, ...attachments])
  }

  frames(protocol: Protocol): Uint8Array {
    if (protocol === 4) return this.current as Uint8Array
    this.older ??= framesOf(this.packets, 3)
    return this.older
  }
}
