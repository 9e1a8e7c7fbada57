/**
 * Import it for its effect: loads what is otherwise loaded on demand (the outbox, answers to the server, the fallbacks for a
 * blocked WebSocket) with the page. For applications that start offline, and for tests in virtual time.
 */
import './on-demand.ts'
import './transports/fallbacks/index.ts'
