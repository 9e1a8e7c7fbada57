/** What both applications do with their server. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Roomful } from '@roomful/server'

export interface Application {
  readonly url: string
  readonly roomful: Roomful
  close(): Promise<void>
}

export async function listen(server: Server, roomful: Roomful, port: number): Promise<Application> {
  roomful.attach(server)
  await roomful.start()
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    roomful,
    close: async () => {
      await roomful.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
