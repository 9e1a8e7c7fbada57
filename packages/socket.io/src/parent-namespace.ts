/** Stands for the namespaces whose names an expression or a function allows; each is made when the first client asks for it. */
import { Adapter, type BroadcastOptions, type EventPacket } from './adapter.ts'
import { Namespace } from './namespace.ts'
import type { RemoteSocket } from './operators.ts'
import type { Server } from './server.ts'
import { type DefaultEventsMap, type EventsMap, emitLocally } from './typed-events.ts'

export class ParentNamespace<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
  SocketData = any,
> extends Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
  private static count = 0
  readonly children: Set<Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Set()

  constructor(server: Server<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) {
    super(server, `/_${ParentNamespace.count++}`)
  }

  override _initAdapter(): void {
    this.adapter = new ChildrenAdapter(this as never)
  }

  createChild(name: string): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const { server, children } = this
    const child = new Namespace(server, name)
    for (const fn of this._fns) child.use(fn)
    for (const listener of this.listeners('connect')) child.on('connect', listener)
    for (const listener of this.listeners('connection')) child.on('connection', listener)
    children.add(child)
    if (server._opts.cleanupEmptyChildNamespaces) this.removeWhenEmpty(child)
    server._nsps.set(name, child)
    emitLocally(server.sockets, 'new_namespace', child)
    return child
  }

  /** @throws Error always: a parent has no sockets of its own */
  override fetchSockets(): Promise<RemoteSocket<EmitEvents, SocketData>[]> {
    throw new Error('fetchSockets() is not supported on parent namespaces')
  }

  private removeWhenEmpty(child: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>): void {
    const remove = child._remove
    child._remove = (socket) => {
      remove.call(child, socket)
      // A client that a middleware still looks at has found this namespace, and will be in it.
      if (child.sockets.size > 0 || child.isExpecting) return
      child.adapter.close()
      this.server._nsps.delete(child.name)
      this.children.delete(child)
    }
  }
}

class ChildrenAdapter extends Adapter {
  override broadcast(packet: EventPacket, opts: BroadcastOptions): void {
    const { children } = this.nsp as unknown as ParentNamespace<any, any, any, any>
    for (const child of children) child.adapter.broadcast({ ...packet }, opts)
  }
}
