/**
 * Looks at an update before a document takes it. Yjs throws at most rubbish only halfway through, with the document
 * half changed, and takes some that no one can ever encode or read again. What passes here is safe to apply, to store
 * and to hand on.
 */
import { MAX_JSON_DEPTH } from '@roomful/protocol'
import * as Y from 'yjs'

/** Clocks count what a client ever wrote, in characters. Above this they would leave the numbers that varints can hold. */
const CLOCK_MAX = 2 ** 40

export interface CheckedUpdate {
  /** Nothing in it: the usual answer of a client that has nothing new. */
  readonly isEmpty: boolean
  /** Takes away and adds nothing. */
  readonly onlyDeletes: boolean
  /** How much it takes away, as far as that is there. */
  readonly deletedLength: number
}

/** @throws Error when it is no update, nests deeper than 64, or counts beyond any honest document */
export function checkUpdate(update: Uint8Array): CheckedUpdate {
  const { structs, ds } = Y.decodeUpdate(update)
  for (const struct of structs) {
    checkClock(struct.id.clock + struct.length)
    if (struct instanceof Y.Item) checkContent(struct.content)
  }
  let deletedLength = 0
  for (const { clock, len } of [...ds.clients.values()].flat()) {
    checkClock(clock + len)
    deletedLength += len
  }
  const onlyDeletes = structs.length === 0
  return { isEmpty: onlyDeletes && ds.clients.size === 0, onlyDeletes, deletedLength }
}

function checkClock(clock: number): void {
  if (clock > CLOCK_MAX) throw new Error('The update counts too far')
}

/** What holds values of the application's own. */
function checkContent(content: Y.Item['content']): void {
  if (content instanceof Y.ContentJSON || content instanceof Y.ContentAny) checkDepth(content.arr, 0)
  else if (content instanceof Y.ContentEmbed) checkDepth(content.embed, 1)
  else if (content instanceof Y.ContentFormat) checkDepth(content.value, 1)
  else if (content instanceof Y.ContentDoc) checkDepth(content.opts, 0)
}

function checkDepth(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  if (depth >= MAX_JSON_DEPTH) throw new Error('The update holds a value that nests too deep')
  for (const inner of Object.values(value)) checkDepth(inner, depth + 1)
}
