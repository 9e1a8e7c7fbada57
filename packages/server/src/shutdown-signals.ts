/**
 * SIGTERM and SIGINT as two promises: the first asks for a polite end, the second insists. Under npm one signal arrives
 * twice when it was meant for the whole process group (Ctrl-C, systemd), because npm passes on what it gets itself.
 */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** How soon after the first a signal of the same kind is the same one. A key press is never meant twice; a SIGTERM may be. */
const ECHO_MS: Readonly<Record<(typeof SIGNALS)[number], number>> = { SIGINT: 250, SIGTERM: 50 }

export class ShutdownSignals {
  readonly first: Promise<'first'>
  readonly second: Promise<'second'>
  heard = false

  /** Listens from now on. @param env tells whether npm runs this process */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    const first = Promise.withResolvers<'first'>()
    const second = Promise.withResolvers<'second'>()
    this.first = first.promise
    this.second = second.promise
    const isUnderNpm = env.npm_lifecycle_event !== undefined
    let heardAt = 0
    let heardSignal: NodeJS.Signals | undefined
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        const now = performance.now()
        const isEcho = isUnderNpm && signal === heardSignal && now - heardAt < ECHO_MS[signal]
        if (this.heard && !isEcho) return second.resolve('second')
        if (this.heard) return
        this.heard = true
        heardAt = now
        heardSignal = signal
        first.resolve('first')
      })
    }
  }
}
