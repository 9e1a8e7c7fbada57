/** A client that asks for the latest of a room, or for it every so often: in the end it has the latest of each type. */
import type { Companion, CompanionHost, Message } from './companion.ts'

/** Of what was missed, so many of the latest events are looked through. */
const LOOKED_THROUGH = 100

interface FlowView {
  epoch: string
  /** Where the room was when this log was joined first. */
  start: number
  /** By type. */
  readonly latest: Map<string, number>
}

/** Names of the plain form. */
const PLAIN: Readonly<Record<string, string>> = { 'chat:message': 'message:new' }

export class FlowCompanion implements Companion {
  private readonly host: CompanionHost
  private readonly rooms = new Map<string, FlowView>()

  constructor(host: CompanionHost) {
    this.host = host
  }

  joinFields(): Message {
    return {}
  }

  joined(roomId: string, { epoch, seq, flow, recovered }: Message): void {
    const { host } = this
    if (recovered !== undefined)
      host.violate(`${host.name} follows no numbers of ${roomId}, and is recovered: ${recovered}`)
    if (flow === undefined || flow === 'all')
      host.violate(`${host.name} asked for less of ${roomId}, and is granted ${flow}`)
    if (this.rooms.get(roomId)?.epoch !== epoch) this.rooms.set(roomId, { epoch, start: seq, latest: new Map() })
  }

  left(roomId: string): void {
    this.rooms.delete(roomId)
  }

  received({ type, roomId, seq, epoch, to }: Message): void {
    const view = this.rooms.get(roomId)
    if (!view) return
    if (type === 'reset') this.rooms.set(roomId, { epoch: epoch ?? view.epoch, start: to, latest: new Map() })
    else if (seq !== undefined) {
      const name = PLAIN[type] ?? type
      view.latest.set(name, Math.max(seq, view.latest.get(name) ?? 0))
    }
  }

  deed(): void {
    // It only reads.
  }

  ask(): void {
    // Nothing is counted for it.
  }

  *problems(roomId: string): Iterable<string> {
    const { host } = this
    const view = this.rooms.get(roomId)
    if (!view) return
    const { events, first } = host.truth(roomId)
    const head = events.at(-1)?.seq ?? 0
    const latest = new Map(events.map(({ type, seq }) => [type, seq]))
    for (const [type, seq] of latest) {
      if (seq <= view.start || seq <= head - Math.min(LOOKED_THROUGH, host.replayMax) || seq < first) continue
      if (view.latest.get(type) === seq) continue
      yield `the latest ${type} of ${roomId} is #${seq}; ${host.name}, who wants the latest, has #${view.latest.get(type)}`
    }
  }

  logCut(): void {
    // The room has another epoch then.
  }
}
