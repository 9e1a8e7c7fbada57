/**
 * Joins what waits for a link into one buffer: a copy of a few small frames is cheaper than handing them over one by one.
 * In a room everyone has the same frames, so the last answer is compared with first, and a thousand links cost one copy.
 * (Frames are shared objects; comparing them is comparing pointers.) What is large stays as it is, since a copy for each
 * link would cost the memory that sharing saves.
 */

/** Up to here a copy of one's own is cheap. */
const COPY_MAX_BYTES = 16_384

export function joinFrames(): (frames: readonly Uint8Array[]) => readonly Uint8Array[] {
  let lastFrames: readonly Uint8Array[] = []
  let lastJoined: readonly Uint8Array[] = []
  let repeats = 0
  return (frames) => {
    if (frames.length === 1) return frames
    if (!isSame(frames, lastFrames)) {
      lastFrames = frames
      repeats = 0
      lastJoined = frames
    } else repeats++
    // The second link with the same frames shows that they are shared.
    if (lastJoined !== lastFrames) return lastJoined
    const length = lengthOf(frames)
    if (length > COPY_MAX_BYTES && repeats === 0) return frames
    lastJoined = [concat(frames, length)]
    return lastJoined
  }
}

function lengthOf(frames: readonly Uint8Array[]): number {
  let length = 0
  for (const frame of frames) length += frame.byteLength
  return length
}

function concat(frames: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length)
  let at = 0
  for (const frame of frames) {
    joined.set(frame, at)
    at += frame.byteLength
  }
  return joined
}

function isSame(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
