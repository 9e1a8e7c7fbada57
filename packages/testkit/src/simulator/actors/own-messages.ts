/** Which messages a user knows to be his, by what his clients were answered: those he may word anew or take back. */
import type { SeededRandom } from '../../random.ts'

/** Of a room; what is said later takes the place of the oldest. */
const KEPT = 10

export class OwnMessages {
  private readonly rooms = new Map<string, number[]>()
  private readonly random: SeededRandom

  constructor(random: SeededRandom) {
    this.random = random
  }

  add(roomId: string, seq: number): void {
    const known = this.rooms.get(roomId) ?? []
    this.rooms.set(roomId, [...known, seq].slice(-KEPT))
  }

  /** One of them, most often a late one: what must not cross has to meet. Nothing where there is none. */
  pick(roomId: string): number | undefined {
    const known = this.rooms.get(roomId)
    return known?.[Math.max(this.random.integer(known.length), this.random.integer(known.length))]
  }
}
