/** What a notification says: the server's own event `notification`, in the inbox of `/notifications`. */
export interface NotificationContent {
  readonly title?: string
  readonly message: string
  /** Where it leads: a page of Commons, or an address. */
  readonly link?: string
  /** The place of the message: `room:<room>` or `direct:<user id>`. The notification is read when the place is. */
  readonly about?: string
  /** Number of the message there. */
  readonly aboutSeq?: number
}
