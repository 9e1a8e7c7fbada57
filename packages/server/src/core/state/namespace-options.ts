/** How open a namespace is, as an application declares it. */
export interface NamespaceOptions {
  /** Rooms that no pattern matches are allowed. Default: true without any declared room. */
  readonly open?: boolean
  /** Lets in who has no token, as a guest. */
  readonly guests?: boolean
  /** Lets in everyone as a guest, and does not look at tokens. */
  readonly anonymous?: boolean
  /** Tells nobody who else comes and goes, nor how many there are; rooms still tell their members. */
  readonly quiet?: boolean
  /** Understands the classic commands: the first one makes a connection classic. PROTOCOL.md 5 */
  readonly classic?: boolean
}
