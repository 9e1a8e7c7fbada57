/** Where the nodes that share a log are reached by each other. A server that runs alone has none. */
export interface NodeAddress {
  /** Begins the ids that the node gives out; another one after each start. */
  readonly tag: string
  /** Such as `http://10.0.0.5:8080`. */
  readonly url: string
}

export interface NodeRegistry {
  /** Resolves once every other node can find this one, which stays so until `leave` or the end of its process. */
  join(node: NodeAddress): Promise<void>
  /** Every node that is there. Rejects while that cannot be said. */
  list(): Promise<readonly NodeAddress[]>
  leave(): Promise<void>
}
