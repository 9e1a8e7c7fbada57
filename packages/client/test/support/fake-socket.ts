/** A WebSocket that a test moves by hand. */
export class FakeSocket {
  static readonly opened: FakeSocket[] = []
  readyState = 0
  onopen: ((event: never) => unknown) | null = null
  onmessage: ((event: never) => unknown) | null = null
  onclose: ((event: never) => unknown) | null = null
  onerror: ((event: never) => unknown) | null = null
  readonly url: string
  readonly protocols: string | string[] | undefined
  readonly sent: string[] = []
  closedWith: unknown[] | undefined

  constructor(url: string, protocols?: string | string[]) {
    this.url = url
    this.protocols = protocols
    FakeSocket.opened.push(this)
  }

  send(data: string): void {
    this.sent.push(data)
  }

  close(...args: unknown[]): void {
    this.closedWith = args
    this.readyState = 2
  }

  open(): void {
    this.readyState = 1
    this.onopen?.({} as never)
  }

  end(code: number): void {
    this.readyState = 3
    this.onclose?.({ code, reason: '' } as never)
  }

  message(data: unknown): void {
    this.onmessage?.({ data } as never)
  }
}
