/**
 * Writes facts as JSON lines: one when a connection opens, one when it ends (B32), and one for each failure, with the user,
 * the event and its payload (B38). Used by `roomful serve`; a server in an application does not log by itself. The entry
 * `@roomful/server/log`, since it needs pino, an optional peer.
 */
import pino, { type DestinationStream, type Logger } from 'pino'
import type { Fact, ObservedConnection, Observer } from '../../core/ports/observer.ts'
import type { LogLevel } from './observers.ts'
import { errorForLog, forLog, textForLog } from './redact.ts'

const LEADS = { began: 'this node leads', ended: 'this node leads no more', refused: 'a lead of before was refused' }

/** Lines that wait while stdout is not read. More are dropped. */
const WAITING_MAX_BYTES = 4 * 1024 ** 2

/**
 * An observer that logs.
 * @example createRoomful({ observer: new Log('info') })
 */
export class Log implements Observer {
  private readonly logger: Logger
  private readonly flush: () => void

  /** @param destination where lines are written; stdout by default */
  constructor(level: LogLevel, destination?: DestinationStream) {
    const stdout = destination === undefined ? openStdout() : undefined
    this.flush = () => stdout?.flushSync()
    const options = {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }) },
    }
    this.logger = pino(options, destination ?? (stdout as DestinationStream))
  }

  /** Writes the lines that wait. Call it before the process ends. */
  close(): void {
    this.flush()
  }

  observe(fact: Fact): void {
    const { logger } = this
    switch (fact.type) {
      case 'connection:opened':
        return logger.info(aboutConnection(fact.connection), 'connection opened')
      case 'connection:closed': {
        const { reason, durationMs } = fact
        return logger.info({ ...aboutConnection(fact.connection), reason, durationMs }, 'connection closed')
      }
      case 'auth:failed': {
        const { connectionId, ip, userAgent, code } = fact
        return logger.info(
          { connectionId, ip, userAgent: textForLog(userAgent), auth: 'failed', reason: code },
          'authentication failed',
        )
      }
      case 'link:refused':
        return logger.info({ ip: fact.ip, reason: fact.code }, 'link refused')
      case 'page:refused': {
        const { ip, reason, origin, host } = fact
        return logger.info({ ip, reason, origin: textForLog(origin), host: textForLog(host) }, 'page refused')
      }
      case 'handler:failed': {
        const { namespace, event, userId, connectionId, payload, error } = fact
        const about = { namespace, event: textForLog(event), userId, connectionId }
        return logger.error({ ...about, payload: forLog(payload), error: errorForLog(error) }, 'handler failed')
      }
      case 'commit:failed':
        return logger.error({ namespace: fact.namespace, error: errorForLog(fact.error) }, 'events were not stored')
      case 'catch-up:failed': {
        const { connectionId, error } = fact
        return logger.error({ connectionId, error: errorForLog(error) }, 'reading missed events failed')
      }
      case 'lead':
        return logger[fact.what === 'refused' ? 'debug' : 'info']({ lead: fact.name }, LEADS[fact.what])
      case 'lead:failed': {
        const { name, error, retryMs } = fact
        return logger.error({ lead: name, error: errorForLog(error), retryMs }, 'what runs once failed')
      }
      case 'notice':
        return fact.isRisky ? logger.warn(fact.message) : logger.info(fact.message)
      case 'made-room':
        return logger.debug({ events: fact.events }, 'events were removed: the data limit is reached')
      case 'drain':
        return logger.info({ links: fact.links }, 'shutting down')
      case 'behind':
        return logger.debug({ connectionId: fact.connectionId }, 'connection is behind')
      case 'lag': {
        const { connectionId, roomId, behind } = fact
        return logger.debug({ connectionId, roomId, behind }, 'member skips what it missed')
      }
      case 'caught-up':
        return logger.debug({ connectionId: fact.connectionId, events: fact.events }, 'connection caught up')
      case 'rate-limited':
        return logger.debug({ scope: fact.scope }, 'rate limit exceeded')
      case 'webhook':
        return logger.debug({ outcome: fact.outcome, events: fact.events, durationMs: fact.durationMs }, 'webhook')
      case 'webhooks:pending':
      case 'quota-refused':
      case 'request':
      case 'commit':
      case 'fan-out':
      case 'deflated':
      case 'forwarded':
      case 'dropped':
      case 'connection:refused':
      case 'link:opened':
      case 'link:closed':
      case 'room:joined':
      case 'room:left':
        return // counted by the metrics, or recorded in the stories
      default:
        return fact satisfies never
    }
  }
}

function aboutConnection({ id, ip, userAgent, auth, user, namespace }: ObservedConnection): Record<string, unknown> {
  return { connectionId: id, ip, userAgent: textForLog(userAgent), auth, userId: user.sub, namespace: namespace.name }
}

/** Writes asynchronously: a slow terminal or a full pipe must not delay a room. */
function openStdout(): ReturnType<typeof pino.destination> {
  const stdout = pino.destination({ fd: 1, sync: false, maxLength: WAITING_MAX_BYTES })
  stdout.on('error', () => undefined) // the log's reader is gone; the server continues without a log
  return stdout
}
