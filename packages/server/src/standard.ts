/**
 * The namespaces of the stand-alone server: `/` (also `/chat`) for users, `/public` for guests too, `/support` and `/admin`
 * by role, `/notifications` for messages of the application to its users. B9, B35. PROTOCOL.md, section 8.
 */
import type { Middleware } from './core/api.ts'
import type { NamespaceOptions } from './core/base/contract.ts'
import { RoomfulError } from './core/base/errors.ts'
import type { Hub } from './core/hub.ts'
import type { Namespace } from './core/namespace.ts'
import { addChatEvents } from './vocabulary/chat.ts'
import { addClassicCommands } from './vocabulary/classic.ts'
import { addRoomEvents } from './vocabulary/rooms.ts'

/**
 * Middleware that refuses users without one of these roles with FORBIDDEN. It runs when they connect, before each event, and
 * after a change of role.
 * @example roomful.namespace('/moderation').use(requireRole('admin', 'support'))
 */
export function requireRole(...roles: readonly string[]): Middleware {
  const allowed: ReadonlySet<string> = new Set(roles)
  const sentence = `This needs the role ${roles.join(' or ')}`
  return ({ user }) => {
    if (!allowed.has(user.role)) throw new RoomfulError('FORBIDDEN', sentence)
  }
}

/** Adds these namespaces to a server. */
export function addStandardNamespaces(hub: Hub): void {
  const add = (names: readonly string[], options: NamespaceOptions, ...middleware: Middleware[]): Namespace => {
    const namespace = hub.addNamespace(names, undefined, { open: true, ...options })
    for (const check of middleware) namespace.use(check)
    addRoomEvents(hub, namespace)
    addChatEvents(hub, namespace)
    if (options.classic) addClassicCommands(hub, namespace)
    return namespace
  }
  const notifications = hub.addNamespace(['/notifications'], undefined, { open: true })
  addRoomEvents(hub, notifications)
  notifications.state.vocabulary.add('notification')
  add(['/', '/chat'], { classic: true })
  add(['/public'], { classic: true, guests: true })
  add(['/support'], {}, requireRole('admin', 'support'))
  add(['/admin'], {}, requireRole('admin'))
}
