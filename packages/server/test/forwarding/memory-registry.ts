/** A registry of nodes in memory: one `NodeBoard` for all nodes of a test, a view of it for each. */
import type { NodeAddress, NodeRegistry } from '../../src/core/ports/node-registry.ts'

export class NodeBoard {
  readonly nodes = new Map<string, NodeAddress>()
  /** Times that the list was asked for. */
  asked = 0
  /** The registry is away. */
  isAway = false

  /** For one node. */
  view(): NodeRegistry {
    let own: NodeAddress | undefined
    return {
      join: async (node) => {
        own = node
        this.nodes.set(node.tag, node)
      },
      list: async () => {
        this.asked++
        if (this.isAway) throw new Error('The registry is away')
        return [...this.nodes.values()]
      },
      leave: async () => {
        if (own) this.nodes.delete(own.tag)
      },
    }
  }
}
