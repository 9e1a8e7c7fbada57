/** What a notification says: the server's own event `notification`, in the inbox of `/notifications`. */
export interface Told {
  readonly title?: string
  readonly message: string
  /** Where it leads: a page of Commons, or an address. */
  readonly link?: string
}
