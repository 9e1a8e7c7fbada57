/** What a client knows of the messages of a room that are written in pieces, by the rules of PROTOCOL.md, section 20. */
import type { Message, TestClient } from '@roomful/testkit'

interface Text {
  readonly text: string
  readonly state: string | undefined
}

/** @throws Error where a piece is missing or comes twice, or an end does not fit */
export function textsOf({ received }: Pick<TestClient, 'received'>): Record<number, Text> {
  const texts: Record<number, Text> = {}
  for (const message of received) {
    const name = message.type ?? message.event
    const data: Message = { ...message, ...message.data }
    if (name === 'chat:message' || name === 'message:new') {
      texts[data.seq] = { text: data.content, state: data.streaming ? 'streaming' : data.state }
    } else if (name === 'message:piece') {
      const known = texts[data.seq]
      if (known?.text.length !== data.at) throw new Error(`A piece at ${data.at} of a message of ${known?.text.length}`)
      texts[data.seq] = { text: known?.text + data.text, state: known?.state }
    } else if (name === 'message:ended') {
      const known = texts[data.target]
      if (known?.text.length !== data.length) throw new Error(`An end at ${data.length} of ${known?.text.length}`)
      texts[data.target] = { text: (known as Text).text, state: data.state }
    }
  }
  return texts
}
