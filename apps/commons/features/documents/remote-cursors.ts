/**
 * The others' cursors in the text: a caret with a name, and their selection. Positions are encoded as `y-codemirror` does, so
 * users of another editor are visible too. Colours are classes, because the content security policy allows no style
 * attributes.
 */
import type { Extension } from '@codemirror/state'
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  ViewPlugin,
  type ViewUpdate,
  WidgetType,
} from '@codemirror/view'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { Colour } from './colours.ts'
import { personOf } from './shared-document.ts'

interface Cursor {
  readonly clientId: number
  readonly name: string
  readonly colour: Colour
  readonly anchor: number
  readonly head: number
  /** The awareness object it came from: another one when it moved, the same one while others type. */
  readonly source: unknown
}

class Caret extends WidgetType {
  private readonly name: string
  private readonly colour: Colour
  /** Another number makes another caret, whose name is shown again. */
  private readonly move: number

  constructor(name: string, colour: Colour, move: number) {
    super()
    this.name = name
    this.colour = colour
    this.move = move
  }

  override eq(other: Caret): boolean {
    return other.name === this.name && other.colour === this.colour && other.move === this.move
  }

  override toDOM(): HTMLElement {
    const caret = document.createElement('span')
    caret.className = `doc-caret doc-${this.colour}`
    caret.ariaHidden = 'true' // who is here is said above the text
    const name = document.createElement('span')
    name.className = 'doc-caret-name'
    name.textContent = this.name
    caret.append('\u2060', name, '\u2060')
    return caret
  }

  override ignoreEvent(): boolean {
    return true
  }
}

export function remoteCursors(text: Y.Text, awareness: Awareness): Extension {
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet
      private readonly view: EditorView
      private readonly moves = new Moves()
      private readonly onChange = ({ added, updated, removed }: Record<'added' | 'updated' | 'removed', number[]>) => {
        if ([...added, ...updated, ...removed].some((id) => id !== awareness.clientID)) this.view.dispatch({})
      }

      constructor(view: EditorView) {
        this.view = view
        this.decorations = decorate(view, cursorsOf(text, awareness), this.moves)
        awareness.on('change', this.onChange)
      }

      update(update: ViewUpdate): void {
        if (update.selectionSet || update.docChanged || update.focusChanged) tellOwn(update.view, text, awareness)
        this.decorations = decorate(update.view, cursorsOf(text, awareness), this.moves)
      }

      destroy(): void {
        awareness.off('change', this.onChange)
        awareness.setLocalStateField('cursor', null)
      }
    },
    { decorations: ({ decorations }) => decorations },
  )
}

/** Others see where one was last, also while one looks at another window. */
function tellOwn(view: EditorView, text: Y.Text, awareness: Awareness): void {
  if (!view.hasFocus) return
  const { anchor, head } = view.state.selection.main
  awareness.setLocalStateField('cursor', {
    anchor: Y.createRelativePositionFromTypeIndex(text, anchor),
    head: Y.createRelativePositionFromTypeIndex(text, head),
  })
}

/** Counts how often the owner of each caret moved it. Bound: clients of this document. */
class Moves {
  private readonly known = new Map<number, { readonly source: unknown; readonly count: number }>()

  count({ clientId, source }: Cursor): number {
    const known = this.known.get(clientId)
    if (known && known.source === source) return known.count
    const count = (known?.count ?? 0) + 1
    this.known.set(clientId, { source, count })
    return count
  }
}

function decorate(view: EditorView, cursors: readonly Cursor[], moves: Moves): DecorationSet {
  const { length } = view.state.doc
  const marks = cursors.flatMap((cursor) => {
    const { name, colour } = cursor
    const [anchor, head] = [Math.min(cursor.anchor, length), Math.min(cursor.head, length)]
    const widget = new Caret(name, colour, moves.count(cursor))
    const caret = Decoration.widget({ widget, side: head > anchor ? -1 : 1 }).range(head)
    if (anchor === head) return [caret]
    const selection = Decoration.mark({ class: `doc-selection doc-${colour}` })
    return [selection.range(Math.min(anchor, head), Math.max(anchor, head)), caret]
  })
  return Decoration.set(marks, true)
}

function cursorsOf(text: Y.Text, awareness: Awareness): Cursor[] {
  return Array.from(awareness.getStates()).flatMap(([clientId, { cursor, user }]) => {
    if (clientId === awareness.clientID || !cursor) return []
    const [anchor, head] = [indexOf(text, cursor.anchor), indexOf(text, cursor.head)]
    return anchor === undefined || head === undefined
      ? []
      : [{ ...personOf(clientId, user), anchor, head, source: cursor }]
  })
}

function indexOf(text: Y.Text, position: unknown): number | undefined {
  try {
    const relative = Y.createRelativePositionFromJSON(position)
    const absolute = Y.createAbsolutePositionFromRelativePosition(relative, text.doc as Y.Doc)
    return absolute?.type === text ? absolute.index : undefined
  } catch {
    return undefined // a client sent an invalid position
  }
}
