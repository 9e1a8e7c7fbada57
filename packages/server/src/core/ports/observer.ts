/** One method that takes typed facts; metrics, logs, the inspector and `explain` are its readers. */
import type { User } from './users.ts'

/** What observers see of a connection. B32. */
export interface ObservedConnection {
  readonly id: string
  readonly ip: string
  readonly userAgent: string
  readonly user: User
  readonly auth: 'none' | 'guest' | 'authenticated'
  readonly namespace: { readonly name: string }
}

export type Fact =
  | { type: 'link:opened'; dialect: string }
  | { type: 'link:closed'; dialect: string; code: number }
  | { type: 'link:refused'; code: string; ip: string }
  /** A request of a web page that may not be made: a foreign origin, a name that is not this server's, or hidden behind another site. */
  | { type: 'page:refused'; reason: 'origin' | 'host' | 'cross-site'; origin: string; host: string; ip: string }
  | { type: 'connection:opened'; connection: ObservedConnection }
  | { type: 'connection:closed'; connection: ObservedConnection; reason: string; durationMs: number }
  /** A connection was not let in: by its credentials, a check, a ban, or since something failed. */
  | { type: 'connection:refused'; namespace: string; code: string }
  | { type: 'auth:failed'; code: string; ip: string; userAgent: string; connectionId: string }
  | {
      type: 'request'
      namespace: string
      connectionId: string
      event: string
      ok: boolean
      code: string | undefined
      durationMs: number
    }
  /** A connection became a member of a room, or asked again for what it missed there. */
  | {
      type: 'room:joined'
      connectionId: string
      roomId: string
      /** The latest number then. */
      seq: number
      /** It gets what comes after this number. */
      after: number
      /** Of a resume: whether all that was missed can be had, or why not. */
      recovered: boolean | undefined
      reason: string | undefined
    }
  /** `seq` is the latest number that it was sent. */
  | { type: 'room:left'; connectionId: string; roomId: string; seq: number; reason: string }
  /** A handler threw something that is no RoomfulError, or did not answer in time. */
  | {
      type: 'handler:failed'
      namespace: string
      event: string
      userId: string
      connectionId: string
      payload: unknown
      error: unknown
    }
  | { type: 'commit'; namespace: string; appended: number; durationMs: number }
  | { type: 'commit:failed'; namespace: string; error: unknown }
  | { type: 'fan-out'; deliveries: number; encoded: number }
  /** A message was compressed, once for all that receive it. */
  | { type: 'deflated'; plainBytes: number; bytes: number }
  | { type: 'dropped'; what: 'volatile' | 'latest' | 'late'; count: number }
  | { type: 'behind'; connectionId: string }
  /** A member that does not get all events is so many behind. */
  | { type: 'lag'; connectionId: string; roomId: string; behind: number }
  | { type: 'caught-up'; connectionId: string; events: number }
  | { type: 'catch-up:failed'; connectionId: string; error: unknown }
  | {
      type: 'rate-limited'
      scope: 'connection' | 'user' | 'join' | 'connect' | 'new-room' | 'stream' | 'presence'
      connectionId?: string | undefined
    }
  /** Too many bytes were stored: so many events of who wrote most went, or were emptied. */
  | { type: 'made-room'; events: number }
  /** A document could not be made or grow, because of its maker's bound or that of all. */
  | { type: 'quota-refused'; what: 'documents' | 'bytes' }
  /** What belongs to a session of another node went there; `ok` is false when that node was gone. */
  | { type: 'forwarded'; what: 'request' | 'upgrade'; ok: boolean }
  /** A node began or ended what runs once, or something of a lead was refused since it leads no more. */
  | { type: 'lead'; name: string; what: 'began' | 'ended' | 'refused' }
  /** What runs once threw; it runs again after `retryMs`. */
  | { type: 'lead:failed'; name: string; error: unknown; retryMs: number }
  /** What became of a delivery to the backend, or that events were removed before there was one. */
  | { type: 'webhook'; outcome: 'delivered' | 'failed' | 'rejected' | 'lost'; events: number; durationMs: number }
  /** Events that wait for the backend, and for how long it has taken nothing. */
  | { type: 'webhooks:pending'; events: number; lateMs: number }
  | { type: 'drain'; links: number }
  /** Something that the operator of the server should know. */
  | { type: 'notice'; message: string; isRisky: boolean }

/** Receives every fact that the server observes, for logs and metrics. */
export interface Observer {
  observe(fact: Fact): void
  /** Follows requests through the server. Without one nothing is followed, which costs a request one test. */
  readonly tracer?: Tracer | undefined
}

/** Follows each request of a client, and each event that the server publishes, until it is delivered. */
export interface Tracer {
  /**
   * Whether to follow a request, or an event of the server, at all. It is asked first, before anything is made of it.
   * @param dialect how its client is connected; nothing for an event of the server
   */
  follows(traceparent: string | undefined, dialect: string | undefined): boolean
  /** A request begins. @returns nothing for one that is not followed */
  request(request: TracedRequest): Trace | undefined
  /** The server publishes an event. @returns nothing for one that is not followed */
  publish(event: TracedEvent): Trace | undefined
  /**
   * An event that another node follows is handed to clients of this one.
   * @returns what is called once it is handed to the transports; nothing for one that is not followed
   */
  delivering(
    event: TracedDelivery & { readonly namespace: string; readonly traceparent: string },
  ): (() => void) | undefined
}

/** A request when it arrives. */
export interface TracedRequest {
  readonly namespace: string
  /** `unknown` for one that has no handler, so that clients make no names up. */
  readonly event: string
  readonly connectionId: string
  readonly userId: string
  /** How its client is connected: `plain`, `v1`, `socketio`, `http`, … */
  readonly dialect: string
  /** What its client sent: valid by W3C Trace Context. */
  readonly traceparent: string | undefined
}

/** An event of the server when it is published. */
export interface TracedEvent {
  readonly namespace: string
  readonly event: string
  readonly roomId: string | undefined
}

/** What becomes of one request or event. Every method is called in its order, and `ended` always. */
export interface Trace {
  /** Sent with the events that it causes, to those who receive them at once. */
  readonly traceparent: string
  /** Runs checks and the handler: what they start belongs to this request. */
  run(work: () => void): void
  /** It has run, and what it stores goes to the log. */
  submitted(): void
  /** It was stored, and is handed to the members of rooms. `delivering` may be called for several events. */
  delivering(event: TracedDelivery): void
  /** Its acknowledgement and its events are handed to the transports; `code`: what it was refused with. */
  ended(code: string | undefined): void
}

/** One event on its way to clients of this node. */
export interface TracedDelivery {
  readonly event: string
  readonly roomId: string | undefined
  /** Of a stored event. */
  readonly id: string | undefined
  /** The connections of this node that it is for; nothing where they are not counted. */
  readonly connections: number | undefined
}
