/** What a notification says: the server's own event `notification`, in the inbox of `/notifications`. */
export interface Told {
  readonly title?: string
  readonly message: string
  /** Where it leads: a page of Commons, or an address. */
  readonly link?: string
  /** What was said to somebody, and where: `room:<room>` or `direct:<user id>`. It is read when that place is. */
  readonly about?: string
  /** Number of the message there. */
  readonly aboutSeq?: number
}
