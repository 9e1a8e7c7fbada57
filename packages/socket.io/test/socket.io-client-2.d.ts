/** The client of Socket.IO 2, as far as tests use it. It has no types of its own. */
declare module 'socket.io-client-2' {
  interface Client {
    on(event: string, listener: (...args: unknown[]) => void): unknown
    once(event: string, listener: (...args: unknown[]) => void): Client
    emit(event: string, ...args: unknown[]): Client
    close(): void
  }
  export default function connect(url: string, options: { transports: string[]; forceNew: boolean }): Client
}
