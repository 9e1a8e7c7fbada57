/**
 * A conversation that scrolls: only what is seen is in the page, however long it is. It stays at the end while it is there,
 * stays where it is while older pages come in above, and says so when something new is below.
 */
import { ArrowDown } from 'lucide-react'
import { type ReactElement, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { Virtualizer, type VirtualizerHandle } from 'virtua'
import { Button } from '../ui/button.tsx'
import { Spinner } from '../ui/spinner.tsx'
import type { Row } from './rows.ts'
import { dayName } from './time.ts'

export interface MessageListProps {
  readonly label: string
  readonly rows: readonly Row[]
  readonly isLoadingOlder: boolean
  readonly onTop: () => void
  /** The end is seen, or no longer. */
  readonly onEnd: (isAtEnd: boolean) => void
  /** Above the first message there ever was. */
  readonly start: ReactNode
  readonly children: (row: Extract<Row, { kind: 'message' }>) => ReactElement
}

/** So close to an edge counts as there. */
const EDGE_PX = 48
/** Older pages are asked for before the reader runs into the beginning. */
const AHEAD_PX = 600

export function MessageList(props: MessageListProps): ReactElement {
  const { label, rows, isLoadingOlder, onTop, onEnd, start, children } = props
  const list = useRef<VirtualizerHandle>(null)
  const scroller = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  const [hasNews, setNews] = useState(false)
  const edges = useEdges(rows)

  const toEnd = (): void => list.current?.scrollToIndex(rows.length - 1, { align: 'end' })

  // What is one's own, and what comes while the end is seen, is scrolled to; anything else is announced.
  useLayoutEffect(() => {
    if (!edges.hasNewEnd) return
    if (isAtEnd.current || edges.isOwnEnd) list.current?.scrollToIndex(rows.length - 1, { align: 'end' })
    else setNews(true)
  }, [rows, edges])

  // A keyboard that opens, or a window that shrinks, must not hide the end.
  useEffect(() => {
    const element = scroller.current
    if (!element) return
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) element.scrollTop = element.scrollHeight
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  const handleScroll = (offset: number): void => {
    const { scrollSize = 0, viewportSize = 0 } = list.current ?? {}
    const isNowAtEnd = offset + viewportSize >= scrollSize - EDGE_PX
    if (isNowAtEnd !== isAtEnd.current) onEnd(isNowAtEnd)
    isAtEnd.current = isNowAtEnd
    if (isNowAtEnd) setNews(false)
    if (offset < AHEAD_PX) onTop()
  }

  return (
    <div className="relative min-h-0 grow">
      <div
        ref={scroller}
        role="log"
        aria-label={label}
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="flex h-full flex-col overflow-y-auto overscroll-contain pb-3 -outline-offset-2 [overflow-anchor:none]"
      >
        <div className="grow" />
        <Virtualizer ref={list} scrollRef={scroller} data={rows} shift={edges.isPrepended} onScroll={handleScroll}>
          {(row) => <RowView key={row.key} row={row} start={start} message={children} />}
        </Virtualizer>
      </div>
      {isLoadingOlder && (
        <div role="status" className="absolute inset-x-0 top-2 flex justify-center">
          <span className="flex items-center gap-2 rounded-full border border-line bg-raised px-3 py-1 text-muted text-xs shadow-card">
            <Spinner size={14} /> Loading earlier messages…
          </span>
        </div>
      )}
      {hasNews && (
        <div className="absolute inset-x-0 bottom-3 flex justify-center">
          <Button tone="primary" size="small" icon={ArrowDown} onClick={toEnd}>
            New messages
          </Button>
        </div>
      )}
    </div>
  )
}

interface RowViewProps {
  readonly row: Row
  readonly start: ReactNode
  readonly message: MessageListProps['children']
}

function RowView({ row, start, message }: RowViewProps): ReactElement {
  switch (row.kind) {
    case 'start':
      return <div className="px-4 pt-6 sm:px-6">{start}</div>
    case 'day':
      return (
        <div className="flex items-center gap-3 px-4 pt-4 pb-1 sm:px-6">
          <span aria-hidden className="h-px grow bg-line" />
          <h2 className="font-medium text-muted text-xs">{dayName(row.ts)}</h2>
          <span aria-hidden className="h-px grow bg-line" />
        </div>
      )
    case 'unread':
      return (
        <div className="flex items-center gap-3 px-4 pt-3 sm:px-6">
          <span aria-hidden className="h-px grow bg-accent" />
          <span className="font-medium text-accent text-xs">New</span>
        </div>
      )
    case 'message':
      return message(row)
    default:
      return row satisfies never
  }
}

interface Edges {
  readonly isPrepended: boolean
  readonly hasNewEnd: boolean
  readonly isOwnEnd: boolean
}

/** What this render changed about the two ends of the list. */
function useEdges(rows: readonly Row[]): Edges {
  const before = useRef<{ rows: readonly Row[]; edges: Edges } | undefined>(undefined)
  const known = before.current
  if (known?.rows === rows) return known.edges
  const [last, lastBefore] = [lastMessage(rows), known && lastMessage(known.rows)]
  const edges = {
    isPrepended: known !== undefined && known.rows.length > 0 && last?.key === lastBefore?.key,
    hasNewEnd: last?.key !== lastBefore?.key,
    isOwnEnd: last?.kind === 'message' && last.message.status === 'pending',
  }
  before.current = { rows, edges }
  return edges
}

function lastMessage(rows: readonly Row[]): Row | undefined {
  return rows.at(-1)
}
