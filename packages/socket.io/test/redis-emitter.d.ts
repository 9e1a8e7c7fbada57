/** The emitter, as far as tests use it. */
declare module '@socket.io/redis-emitter' {
  interface Target {
    to(room: string): Target
    except(room: string): Target
    emit(event: string, ...args: unknown[]): boolean
    socketsJoin(room: string): void
    socketsLeave(room: string): void
    disconnectSockets(close?: boolean): void
    serverSideEmit(event: string, ...args: unknown[]): void
  }
  export class Emitter {
    constructor(client: unknown, options?: { key?: string }, namespace?: string)
    of(namespace: string): Emitter
    to(room: string): Target
    in(room: string): Target
    emit(event: string, ...args: unknown[]): boolean
    serverSideEmit(event: string, ...args: unknown[]): void
  }
}
