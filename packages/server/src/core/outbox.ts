/**
 * Joins what waits for a link into one buffer. In a room everyone has the same frames, so the last answer is compared with
 * first: a thousand links cost one copy. (Frames are shared objects; comparing them is comparing pointers.)
 */
export function joinFrames(): (frames: readonly Uint8Array[]) => Uint8Array {
  let lastFrames: readonly Uint8Array[] = []
  let lastJoined: Uint8Array = new Uint8Array(0)
  return (frames) => {
    if (frames.length === 1) return frames[0] as Uint8Array
    if (isSame(frames, lastFrames)) return lastJoined
    let length = 0
    for (const frame of frames) length += frame.byteLength
    const joined = new Uint8Array(length)
    let at = 0
    for (const frame of frames) {
      joined.set(frame, at)
      at += frame.byteLength
    }
    lastFrames = frames
    lastJoined = joined
    return joined
  }
}

function isSame(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
