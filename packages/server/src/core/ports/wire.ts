/** The port a transport offers the core: bytes out, back-pressure, an end. Bytes in come through `Link.receive`. */
export interface Wire {
  /**
   * Called with whole frames right before they are written.
   * @returns the form in which this peer reads them, compressed for instance; the same buffers for all peers of one form
   */
  pack?(frames: readonly Uint8Array[]): readonly Uint8Array[]
  /** Hands over bytes that are ready for the peer, as one write. The buffers are not changed afterwards and may be shared. */
  write(buffers: readonly Uint8Array[]): void
  /** Bytes handed over and not yet taken by the operating system. */
  readonly queuedBytes: number
  pauseReading(): void
  resumeReading(): void
  /**
   * The peer answers each ping once it has everything that was written before it, and the transport calls `Link.ponged()`.
   * Where that is not so, it calls `Link.alive()` for whatever shows that the peer lives.
   */
  readonly hasPongs: boolean
  /** Asks the peer for a sign of life. */
  ping(): void
  /** Says goodbye behind everything written so far; a deadline of the transport's then cuts. */
  close(code: number, reason: string): void
  /** Cuts at once. */
  terminate(): void
}
