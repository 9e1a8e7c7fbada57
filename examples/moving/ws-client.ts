/** What the page has: a `WebSocket`, four commands, and a list of what came. */

export interface Message {
  readonly type: string
  readonly [field: string]: unknown
}

export interface ChatClient {
  send(message: Message): void
  /** The next message of this type that was not taken yet. */
  next(type: string): Promise<Message>
  close(): void
}

export function openChat(url: string, name: string): ChatClient {
  const socket = new WebSocket(`${url}?name=${encodeURIComponent(name)}`)
  const received: Message[] = []
  const outgoing: string[] = []
  const waiting = new Set<() => void>()
  socket.onopen = () => {
    for (const text of outgoing) socket.send(text)
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
    next: (type) =>
      new Promise((resolve) => {
        const look = (): void => {
          const at = received.findIndex((message) => message.type === type)
          if (at < 0) return
          waiting.delete(look)
          resolve(received.splice(at, 1)[0] as Message)
        }
        waiting.add(look)
        look()
      }),
    close: () => socket.close(1000),
  }
}
