/** A planted fault. It replaces a port, or a method of a running part; the code under test does not know. */
import type { Broker } from '@roomful/server/ports'
import type { TestServer, VirtualClock } from '@roomful/testkit'
import type { Application } from '@roomful/testkit/simulator'

export interface Fault {
  /** What the broken server or SDK does. */
  readonly name: string
  readonly broker?: (broker: Broker, clock: VirtualClock) => Broker
  readonly server?: (server: TestServer) => void
  /** In which it shows; the chat without it. */
  readonly application?: Application
  /** Breaks the SDK. @returns what mends it */
  readonly sdk?: () => () => void
}

/** A method that its class keeps to itself. */
// biome-ignore lint/suspicious/noExplicitAny: the fault stands where no type lets anyone in
export type Method = (...args: any[]) => any

/** Replaces a method for all its callers. */
export function replace(owner: object, name: string, by: (original: Method) => Method): () => void {
  const methods = owner as Record<string, Method>
  const original = methods[name]
  if (original === undefined) throw new Error(`There is no ${name} to break any more`)
  methods[name] = by(original)
  return () => {
    methods[name] = original
  }
}
