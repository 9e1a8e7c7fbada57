/** Nothing but the WebSocket that every browser and Node 22 have: join, ask, be told. */

/** What a plain client gets: an object with a `type`. */
export interface Message {
  readonly type: string
  readonly [field: string]: unknown
}

export interface BareClient {
  readonly send: (message: Message) => void
  /** The next message that fits; those that do not are passed over. */
  readonly next: (fits: (message: Message) => boolean) => Promise<Message>
  readonly close: () => void
}

export function openBareClient(url: string): BareClient {
  const socket = new WebSocket(url)
  const received: Message[] = []
  const waiting = new Set<() => void>()
  let outgoing: string[] = []

  socket.onopen = () => {
    for (const text of outgoing) socket.send(text)
    outgoing = []
  }
  socket.onmessage = ({ data }) => {
    received.push(JSON.parse(String(data)) as Message)
    for (const look of [...waiting]) look()
  }

  return {
    send: (message) => {
      const text = JSON.stringify(message)
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
      else outgoing.push(text)
    },
    next: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const at = received.findIndex(fits)
          if (at < 0) return
          waiting.delete(look)
          resolve(received.splice(at, 1)[0] as Message)
        }
        waiting.add(look)
        look()
      }),
    close: () => socket.close(1000, 'Goodbye'),
  }
}
