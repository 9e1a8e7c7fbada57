/**
 * Imported for its effect: what is loaded on demand otherwise, the outbox, answers to the server and the ways around a blocked WebSocket, is loaded
 * with the page. For applications that start without a network, and for tests in virtual time, which no file is waited for in.
 */
import './on-demand.ts'
import './transports/fallbacks/index.ts'
