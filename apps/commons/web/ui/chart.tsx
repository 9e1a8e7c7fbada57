/** Lines over time, by uPlot, in the colours of the theme. What it shows must be said in words beside it. */
import 'uplot/dist/uPlot.min.css'
import { type ReactElement, useEffect, useRef } from 'react'
import UPlot from 'uplot'
import { onThemeChange } from '../theme.ts'

export interface ChartLine {
  readonly label: string
  /** A CSS colour, or a custom property of the theme such as `--color-accent`. */
  readonly colour: string
  readonly values: readonly (number | null)[]
}

export interface ChartProps {
  /** What is seen, in a sentence. */
  readonly label: string
  /** Milliseconds since 1970, ascending. */
  readonly times: readonly number[]
  readonly lines: readonly ChartLine[]
  readonly height: number
  readonly format?: (value: number) => string
  /** The lowest value of the scale. Default: as the data is. */
  readonly from?: number | undefined
}

export function Chart({ label, times, lines, height, format = String, from }: ChartProps): ReactElement {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(undefined)
  const names = lines.map(({ label: name, colour }) => `${name} ${colour}`).join()
  const data = useRef<UPlot.AlignedData>([[]])
  data.current = [times.map((time) => time / 1_000), ...lines.map(({ values }) => [...values])]
  const options = useRef({ lines, height, format, from })
  options.current = { lines, height, format, from }

  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn again only for other lines; their values are set below
  useEffect(() => {
    const element = place.current
    if (!element) return
    const draw = (): void => {
      plot.current?.destroy()
      plot.current = new UPlot(optionsOf(element, options.current), data.current, element)
    }
    draw()
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    const off = onThemeChange(draw)
    return () => {
      off()
      observer.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [names, height])

  useEffect(() => {
    plot.current?.setData(data.current)
  })

  return <div ref={place} role="img" aria-label={label} className="w-full min-w-0" style={{ height }} />
}

function optionsOf(
  element: HTMLElement,
  {
    lines,
    height,
    format,
    from,
  }: Pick<ChartProps, 'lines' | 'height' | 'from'> & { format: (value: number) => string },
): UPlot.Options {
  const style = getComputedStyle(element)
  /** What the theme means by a name, as a canvas understands it. */
  const colour = (name: string): string => {
    element.style.transition = 'none' // or it would be the colour from before for a moment
    element.style.color = name.startsWith('--') ? `var(${name})` : name
    const seen = getComputedStyle(element).color
    element.style.removeProperty('color')
    element.style.removeProperty('transition')
    return seen
  }
  const axis = {
    stroke: colour('--color-muted'),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour('--color-line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height,
    padding: [8, 34, 0, 0], // half of a time below the last grid line
    legend: { show: false },
    cursor: { show: false },
    scales: { y: from === undefined ? {} : { range: (_plot, _min, max) => [from, Math.max(max, from + 1) * 1.1] } },
    axes: [
      {
        ...axis,
        incrs: TIME_STEPS_S,
        space: 80,
        size: 28,
        values: (_plot, splits) => splits.map((split) => clock.format(split * 1_000)),
      },
      { ...axis, size: 56, values: (_plot, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...lines.map((line) => ({ label: line.label, stroke: colour(line.colour), width: 2, points: { show: false } })),
    ],
  }
}

/** Between two times below the grid; a second is the least that they tell apart. */
const TIME_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400]

const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
