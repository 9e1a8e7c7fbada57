/** `@roomful/testkit`: a server without sockets, clients, virtual time and seeded randomness, for tests. */
export { TestAuthenticator, type TestUser, type TokenOptions } from './authenticator.ts'
export { appending, type BrokerCall, type CalledBroker, called, type Store } from './broker.ts'
export { type Answer, type Match, type Message, TestClient } from './client.ts'
export { VirtualClock } from './clock.ts'
export { SeededRandom } from './random.ts'
export {
  type ConnectOptions,
  createTestServer,
  type SdkOptions,
  type SetUp,
  TestServer,
  type TestServerOptions,
} from './server.ts'
export { TestUsers } from './users.ts'
export { type Closing, MemoryWire } from './wire.ts'
