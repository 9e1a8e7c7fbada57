/**
 * Notices holes in what a node is sent: Redis numbers the messages of its mailbox without one, and between two breaks the node
 * hands over every row of them, in their order. C20.
 */
import type { Broker } from '@roomful/server/ports'
import { parseFrames, parseMessage } from '@roomful/server/testing'

interface Mailbox {
  /** Number of the latest message. */
  k: number
  /** Commits of the rows in it that were not handed over yet. */
  readonly commits: number[]
  /** Since a break nothing was handed over: what was sent before it may be lost. */
  mayHaveLost: boolean
}

export class MailboxWatch {
  private readonly prefix: string
  private readonly onProblem: (problem: string) => void
  private readonly mailboxes = new Map<string, Mailbox>()

  constructor(namespace: string, onProblem: (problem: string) => void) {
    this.prefix = `{roomful:${namespace}}:mb:`
    this.onProblem = onProblem
  }

  onPublish(channel: string, message: string): void {
    if (!channel.startsWith(this.prefix)) return
    const node = channel.slice(this.prefix.length)
    const { k, frames } = parseMessage(message)
    const mailbox = this.of(node)
    // From the start again after the node was reaped.
    if (k !== mailbox.k + 1 && k !== 1 && mailbox.k !== 0)
      this.onProblem(`message ${k} follows message ${mailbox.k} in the mailbox of ${node}`)
    mailbox.k = k
    for (const frame of parseFrames(frames)) if (frame.kind === 'row') mailbox.commits.push(frame.row.n)
  }

  /** Redis was killed, or is another one: it counts on from what is on disk. */
  forget(): void {
    for (const mailbox of this.mailboxes.values()) mailbox.k = 0
  }

  /** The same broker, with what it hands over looked at. */
  tap(broker: Broker, namespace: string): Broker {
    const mailbox = this.of(broker.node)
    return {
      ...broker,
      listen: (listener) => {
        const watched = Object.create(listener) as typeof listener
        watched.onBreak = (name, heads) => {
          if (name === namespace) mailbox.mayHaveLost = true
          listener.onBreak(name, heads)
        }
        watched.onEvents = (name, rows) => {
          if (name === namespace) for (const { n } of rows) this.handedOver(mailbox, n, broker.node)
          listener.onEvents(name, rows)
        }
        broker.listen(watched)
      },
    }
  }

  private handedOver(mailbox: Mailbox, n: number, node: string): void {
    // Redis that was killed gives a number again that it had not on disk.
    const place = mailbox.commits.lastIndexOf(n)
    if (place < 0) return this.onProblem(`${node} hands over commit ${n}, which it was not sent`)
    const skipped = mailbox.commits.splice(0, place + 1).slice(0, -1)
    if (skipped.length > 0 && !mailbox.mayHaveLost)
      this.onProblem(`${node} hands over commit ${n} and has left out ${skipped.join(', ')}, without a break`)
    mailbox.mayHaveLost = false
  }

  private of(node: string): Mailbox {
    const known = this.mailboxes.get(node)
    if (known) return known
    const mailbox: Mailbox = { k: 0, commits: [], mayHaveLost: false }
    this.mailboxes.set(node, mailbox)
    return mailbox
  }
}
