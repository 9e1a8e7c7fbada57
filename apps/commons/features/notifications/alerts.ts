/**
 * Notifies people of what is said to them while they look elsewhere: direct messages, and messages in rooms that mention
 * them. Both are durable events, so the hook behind the log sees each once, whatever client it came from.
 */
import type { StoredEvent } from '@roomful/server'
import type { Commons } from '../../commons.ts'
import { nameKey, PeopleStore } from '../direct/store.ts'
import { roomTitle } from '../rooms/room-names.ts'
import type { NotificationContent } from './contract.ts'
import { mentionedIn } from './mentions.ts'
import { NoticeStore } from './notice-store.ts'
import { storeNotification } from './server.ts'

/** What is said to one person in one place within this time is one notification, which shows the latest. */
const MERGE_MS = 2_000
const EXCERPT_MAX = 140

interface ChatEvent {
  readonly userId?: string
  readonly fromUser?: string
  readonly to?: string
  readonly name?: string
  readonly content?: string
  readonly target?: number
}

interface Notice {
  readonly userId: string
  readonly content: NotificationContent
  readonly key: string
  /** The message of a room that it quotes. */
  readonly source: { readonly roomId: string; readonly seq: number } | undefined
}

export function addAlerts({ server, database, clock }: Commons): void {
  const people = new PeopleStore(database)
  const notices = new NoticeStore(database)
  /** By user and place: the notification to send when the interval ends. Bound: users notified within the interval. */
  const recent = new Map<string, Notice | undefined>()

  const send = async ({ userId, content, key, source }: Notice): Promise<void> => {
    const stored = await storeNotification(server, userId, content, key)
    if (stored && source) notices.add({ ...source, userId, noticeSeq: stored.seq }, clock.now())
  }

  const sendMerged = (notice: Notice): void => {
    const place = JSON.stringify([notice.userId, notice.content.about])
    if (recent.has(place)) return void recent.set(place, notice)
    const begin = (now: Notice): void => {
      recent.set(place, undefined)
      clock.after(MERGE_MS, () => {
        const latest = recent.get(place)
        recent.delete(place)
        if (latest) begin(latest)
      })
      void send(now) // never rejects
    }
    begin(notice)
  }

  const notifyOfPrivate = ({ roomId, seq, data }: StoredEvent): void => {
    const { fromUser = '', to = '', name = '', content = '' } = (data ?? {}) as ChatEvent
    if (fromUser === to || roomId !== `user:${to}` || to.startsWith('guest:')) return
    const link = `/messages/${encodeURIComponent(fromUser)}`
    const notification = { title: name, message: excerpt(content), link, about: `direct:${fromUser}`, aboutSeq: seq }
    sendMerged({ userId: to, content: notification, key: `direct ${roomId} ${seq}`, source: undefined })
  }

  const notifyOfMentions = ({ roomId, seq, data }: StoredEvent): void => {
    const { userId = '', name = '', content = '' } = (data ?? {}) as ChatEvent
    if (!content.includes('@')) return
    const link = `/rooms/${encodeURIComponent(roomId)}`
    const title = `${name} mentioned you in #${roomTitle(roomId)}`
    const notification = { title, message: excerpt(content), link, about: `room:${roomId}`, aboutSeq: seq }
    for (const mentioned of mentionedIn(content, (each) => people.called(nameKey(each)))) {
      if (mentioned === userId) continue
      sendMerged({
        userId: mentioned,
        content: notification,
        key: `mention ${mentioned} ${roomId} ${seq}`,
        source: { roomId, seq },
      })
    }
  }

  /** What was deleted is not quoted any more. */
  const takeBack = async ({ roomId, data }: StoredEvent): Promise<void> => {
    const { target = 0 } = (data ?? {}) as ChatEvent
    for (const [place, waiting] of recent) {
      if (waiting?.source?.roomId === roomId && waiting.source.seq === target) recent.set(place, undefined)
    }
    for (const { userId, noticeSeq } of notices.take(roomId, target)) {
      await server.get('/notifications').redact(`user:${userId}`, noticeSeq)
    }
  }

  server.get('/').hook('stored', (event) => {
    if (event.type === 'message:private') notifyOfPrivate(event)
  })
  server.get('/public').hook('stored', (event) => {
    if (event.type === 'message:new') notifyOfMentions(event)
    else if (event.type === 'message:redacted') return takeBack(event)
    return undefined
  })
}

function excerpt(content: string): string {
  const line = content.replace(/\s+/gu, ' ').trim()
  const letters = [...line]
  return letters.length > EXCERPT_MAX ? `${letters.slice(0, EXCERPT_MAX - 1).join('')}…` : line
}
