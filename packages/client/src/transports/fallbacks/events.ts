/** What comes down over HTTP, in the form of `text/event-stream`: frames, and a few events with a name. PROTOCOL.md 17. */

export interface HttpEvent {
  /** Empty for a frame. */
  readonly name: string
  readonly data: string
}

/** Whole events out of pieces that end anywhere. */
export class EventReader {
  #rest = ''

  read(piece: string): HttpEvent[] {
    const blocks = (this.#rest + piece).split('\n\n')
    this.#rest = blocks.pop() as string
    return blocks.map(readEvent)
  }
}

function readEvent(block: string): HttpEvent {
  const field = (name: string): string =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2) ?? ''
  return { name: field('event'), data: field('data') }
}
