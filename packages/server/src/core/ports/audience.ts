/** Whom an event is for. */
export interface Audience {
  /** Rooms (or connection ids, or `user:<id>`), of which there may be none; `undefined` means the whole namespace. */
  readonly rooms: readonly string[] | undefined
  /** Rooms and connection ids that get no copy. */
  readonly except: readonly string[]
  /** May be dropped for a slow link. */
  readonly volatile: boolean
  /** The latest volatile event per key is kept for a slow link instead. */
  readonly latestKey: string | undefined
}

export const EVERYONE: Audience = { rooms: undefined, except: [], volatile: false, latestKey: undefined }
