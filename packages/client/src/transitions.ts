/**
 * The transitions of a connection: a row for each status, a cell for each event, so that a new one of either is a type error
 * until every cell exists. Pure: time and randomness are arguments.
 */
import { afterClose } from '@roomful/protocol'
import { backoffMs } from './backoff.ts'
import type {
  Attached,
  ConnectionEvent,
  ConnectionEventType,
  ConnectionState,
  ConnectionStatus,
  Ending,
  Trying,
} from './connection-state.ts'
import { CUT_OFF, GOODBYE } from './transports/transport.ts'

/** What a transition may depend on besides state and event: ms since 1970, and a number from 0 to 1. */
export interface Moment {
  readonly nowMs: number
  readonly random: number
}

/** A connection that lasted this long counts as stable: the next failure counts as the first. */
export const STABLE_MS = 10_000
/** After this many refusals of fresh credentials in a row the client closes. */
export const MAX_REFUSALS = 3
/** Longest pause that a restarting server may request. */
export const MAX_DRAIN_MS = 5 * 60_000

type StateOf<Status extends ConnectionStatus> = Extract<ConnectionState, { status: Status }>
type EventOf<Type extends ConnectionEventType> = Extract<ConnectionEvent, { type: Type }>
type Transition<Status extends ConnectionStatus, Type extends ConnectionEventType> = (
  state: StateOf<Status>,
  event: EventOf<Type>,
  moment: Moment,
) => ConnectionState

export type TransitionTable = {
  readonly [Status in ConnectionStatus]: {
    readonly [Type in ConnectionEventType]: Transition<Status, Type>
  }
}

export function transition(state: ConnectionState, event: ConnectionEvent, moment: Moment): ConnectionState {
  const row: Record<ConnectionEventType, unknown> = TRANSITIONS[state.status]
  return (row[event.type] as Transition<never, never>)(state as never, event as never, moment)
}

const stay = (state: ConnectionState): ConnectionState => state
const close = (): ConnectionState => ({ status: 'closed', ending: { code: GOODBYE, reason: 'Closed by the client' } })

const tryAgain = ({ failures, refusals }: Trying): ConnectionState => ({ status: 'connecting', failures, refusals })
const begin = (): ConnectionState => tryAgain({ failures: 0, refusals: 0 })

const giveUpTry = (state: Trying, _event: ConnectionEvent, moment: Moment): ConnectionState =>
  waitAfter(state, { code: CUT_OFF, reason: 'No answer in time' }, moment)

const changed = <State extends Attached>(state: State, { changes }: EventOf<'changed'>): State => ({
  ...state,
  ...changes,
})

const drain = (state: Attached, { reconnectAfterMs }: EventOf<'draining'>, { nowMs }: Moment): ConnectionState => ({
  ...state,
  status: 'draining',
  untilMs: nowMs + Math.min(Math.max(0, reconnectAfterMs), MAX_DRAIN_MS),
})

const lost = (state: Attached, event: EventOf<'link-closed'>, moment: Moment): ConnectionState => {
  const lasted = moment.nowMs - state.sinceMs >= STABLE_MS
  return afterEnding({ failures: lasted ? 0 : state.failures, refusals: 0 }, event, moment)
}

/** The server announced the end: reconnect at the announced time, and count no failure. */
const drained = (state: StateOf<'draining'>, event: EventOf<'link-closed'>, moment: Moment): ConnectionState => {
  if (afterClose(event.ending.code) !== 'reconnect') return lost(state, event, moment)
  const untilMs = Math.max(state.untilMs, moment.nowMs)
  return { status: 'waiting', failures: 0, refusals: 0, untilMs, ending: event.ending }
}

/** A row names only the events that change its status; others are late, or come from an earlier link. */
const nothing = {
  connect: stay,
  'link-opened': stay,
  opened: stay,
  changed: stay,
  draining: stay,
  'link-closed': stay,
  due: stay,
  wake: stay,
  close,
}

const TRANSITIONS: TransitionTable = {
  idle: { ...nothing, connect: begin },
  connecting: {
    ...nothing,
    'link-opened': (state) => ({ ...state, status: 'authenticating' }),
    'link-closed': afterEnding,
    due: giveUpTry,
  },
  authenticating: {
    ...nothing,
    opened: ({ failures }, { type, ...opened }, { nowMs: sinceMs }) => ({
      ...{ ...opened, status: 'open', sinceMs, failures },
    }),
    'link-closed': afterEnding,
    due: giveUpTry,
  },
  open: { ...nothing, changed, draining: drain, 'link-closed': lost },
  draining: { ...nothing, changed, draining: drain, 'link-closed': drained, due: begin },
  waiting: {
    ...nothing,
    connect: tryAgain,
    due: tryAgain,
    // After an announced restart the wait is not shortened: the server is not back yet.
    wake: (state) => (state.failures > 0 ? tryAgain(state) : state),
  },
  closed: { ...nothing, connect: begin, close: stay },
}

function afterEnding(tried: Trying, event: EventOf<'link-closed'>, moment: Moment): ConnectionState {
  const next = afterClose(event.ending.code)
  switch (next) {
    case 'reconnect':
      return waitAfter({ ...tried, refusals: 0 }, event.ending, moment)
    case 'new-token': {
      const refusals = tried.refusals + 1
      if (!event.canRenew || refusals > MAX_REFUSALS) return { status: 'closed', ending: event.ending }
      // The first refused token may just have been old: a fresh one is tried at once.
      const delayMs = tried.refusals === 0 ? 0 : backoffMs(tried.refusals, moment.random)
      const failures = tried.failures + 1
      return { status: 'waiting', failures, refusals, untilMs: moment.nowMs + delayMs, ending: event.ending }
    }
    case 'stop':
      return { status: 'closed', ending: event.ending }
    default:
      return next satisfies never
  }
}

function waitAfter({ failures, refusals }: Trying, ending: Ending, { nowMs, random }: Moment): ConnectionState {
  const untilMs = nowMs + backoffMs(failures, random)
  return { status: 'waiting', failures: failures + 1, refusals, untilMs, ending }
}
