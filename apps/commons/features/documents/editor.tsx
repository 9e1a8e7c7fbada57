/** The text itself: CodeMirror on a shared Yjs text, with everyone's cursors. */
import { defaultKeymap, indentWithTab } from '@codemirror/commands'
import { defineLanguageFacet, HighlightStyle, Language, syntaxHighlighting } from '@codemirror/language'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  keymap,
  placeholder,
  ViewPlugin,
} from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { GFM, parser } from '@lezer/markdown'
import { type ReactElement, useEffect, useRef } from 'react'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import * as Y from 'yjs'
import { cspNonce } from '../../web/csp.ts'
import { remoteCursors } from './remote-cursors.ts'
import type { SharedDocument } from './shared-document.ts'

export interface EditorProps {
  readonly shared: SharedDocument
  readonly label: string
  readonly isReadOnly: boolean
}

export function Editor({ shared, label, isReadOnly }: EditorProps): ReactElement {
  const parent = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const changing = useRef(new Compartment())

  useEffect(() => {
    if (!parent.current) return
    const undoManager = new Y.UndoManager(shared.text)
    const state = EditorState.create({
      doc: shared.text.toString(),
      extensions: [
        changing.current.of(changingExtensions('', true)),
        keymap.of([...yUndoManagerKeymap, ...defaultKeymap, indentWithTab]),
        markdown.extension,
        syntaxHighlighting(highlighting),
        EditorView.lineWrapping,
        EditorView.perLineTextDirection.of(true),
        lineDirections,
        drawSelection(),
        placeholder('Start writing…'),
        EditorView.cspNonce.of(cspNonce),
        theme,
        yCollab(shared.text, null, { undoManager }),
        remoteCursors(shared.text, shared.provider.awareness),
      ],
    })
    const made = new EditorView({ state, parent: parent.current })
    view.current = made
    return () => {
      made.destroy()
      undoManager.destroy()
    }
  }, [shared])

  useEffect(() => {
    view.current?.dispatch({ effects: changing.current.reconfigure(changingExtensions(label, isReadOnly)) })
  }, [label, isReadOnly])

  return <div ref={parent} className="h-full min-h-0" />
}

function changingExtensions(label: string, isReadOnly: boolean): Extension {
  return [
    EditorState.readOnly.of(isReadOnly),
    EditorView.contentAttributes.of({
      'aria-label': label,
      'aria-readonly': String(isReadOnly),
      spellcheck: 'true',
      autocapitalize: 'sentences',
    }),
  ]
}

const ownDirection = Decoration.line({ attributes: { dir: 'auto' } })

/** Each line that is in view runs as its own letters do: from the right for Arabic or Hebrew. */
const lineDirections = ViewPlugin.define(
  (view) => ({
    lines: linesInView(view),
    update({ view: changed, docChanged, viewportChanged }) {
      if (docChanged || viewportChanged) this.lines = linesInView(changed)
    },
  }),
  { decorations: ({ lines }) => lines },
)

function linesInView({ state, visibleRanges }: EditorView): DecorationSet {
  const starts = visibleRanges.flatMap(({ from, to }) => {
    const found: number[] = []
    for (let at = from; at <= to; at = state.doc.lineAt(at).to + 1) found.push(state.doc.lineAt(at).from)
    return found
  })
  return Decoration.set([...new Set(starts)].map((start) => ownDirection.range(start)))
}

/** The grammar alone: `@codemirror/lang-markdown` brings those of HTML, CSS and JavaScript with it. */
const markdown = new Language(defineLanguageFacet(), parser.configure(GFM), [], 'markdown')

const theme = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'transparent', color: 'var(--color-ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-sans)', fontSize: '1rem', lineHeight: '1.7', padding: '1.5rem 0 35dvh' },
  '.cm-content': {
    maxWidth: '46rem',
    width: '100%',
    margin: '0 auto',
    padding: '0 1.25rem',
    caretColor: 'var(--color-ink)',
  },
  '.cm-line': { padding: '0' },
  '.cm-cursor': { borderLeftColor: 'var(--color-ink)', borderLeftWidth: '2px' },
  '.cm-placeholder': { color: 'var(--color-muted)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'color-mix(in oklab, var(--color-accent) 28%, transparent)',
  },
})

const highlighting = HighlightStyle.define([
  { tag: tags.heading1, fontSize: '1.5em', fontWeight: '650', letterSpacing: '-0.015em' },
  { tag: tags.heading2, fontSize: '1.25em', fontWeight: '650' },
  { tag: tags.heading, fontWeight: '650' },
  { tag: tags.strong, fontWeight: '650' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.strikethrough, textDecoration: 'line-through' },
  { tag: tags.monospace, fontFamily: 'ui-monospace, monospace', fontSize: '0.92em' },
  { tag: [tags.link, tags.url], color: 'var(--color-accent-strong)' },
  { tag: [tags.processingInstruction, tags.contentSeparator], color: 'var(--color-muted)' },
  { tag: tags.quote, color: 'var(--color-muted)' },
])
