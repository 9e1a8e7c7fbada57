/** A server that runs somewhere on this machine: where it is, and what can be asked over HTTP. */
import { until } from './wait.ts'

export class RunningServer {
  readonly port: number

  constructor(port: number) {
    this.port = port
  }

  get http(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get ws(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(this.http + path, { headers })
  }

  async getJson(path: string, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
    return (await (await this.get(path, headers)).json()) as Record<string, unknown>
  }

  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return await fetch(this.http + path, {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/json', ...headers },
    })
  }

  /** Links counted by `/health`. */
  async clients(): Promise<number> {
    return (await this.getJson('/health')).clients as number
  }

  /** Waits until `/health` counts exactly `count` links. */
  async untilClients(count: number, timeoutMs = 5000): Promise<void> {
    await until(async () => (await this.clients()) === count, { what: `/health counting ${count} links`, timeoutMs })
  }
}
