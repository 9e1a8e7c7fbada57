/**
 * Reactions that rise and fade, drawn together on one canvas, once per frame: a hundred a second are a hundred small
 * pictures and not a hundred elements. Each kind is drawn once and copied after that: the icon of its button on a disc of
 * its colour, which looks the same on every system, whatever emoji it has. With reduced motion nothing rises: what is new
 * is counted instead, on the buttons.
 */
interface Floater {
  readonly emoji: string
  readonly bornMs: number
  /** From 0 to 1, from left to right. */
  readonly x: number
  readonly sway: number
  readonly lifeMs: number
}

/** Above this the oldest are removed: more could not be distinguished. */
const FLOATERS_MAX = 400
const LIFE_MS = 2_600
const SIZE = 38
/** Drawn larger than shown, so that it is sharp on fine screens. */
const PICTURE_SIZE = SIZE * 2

export class Floaters {
  private readonly canvas: HTMLCanvasElement
  private readonly pictures = new Map<string, HTMLCanvasElement>()
  private floaters: Floater[] = []
  private frame: number | undefined

  /** @param looks of each emoji: the SVG of its icon, and its colour */
  constructor(canvas: HTMLCanvasElement, looks: ReadonlyMap<string, { svg: SVGElement; colour: string }>) {
    this.canvas = canvas
    for (const [emoji, { svg, colour }] of looks) this.pictures.set(emoji, drawPicture(svg, colour))
  }

  get count(): number {
    return this.floaters.length
  }

  add(emoji: string): void {
    const now = performance.now()
    this.floaters.push({
      emoji,
      bornMs: now,
      x: 0.08 + Math.random() * 0.84,
      sway: (Math.random() - 0.5) * 60,
      lifeMs: LIFE_MS * (0.8 + Math.random() * 0.4),
    })
    if (this.floaters.length > FLOATERS_MAX) this.floaters.shift()
    this.frame ??= requestAnimationFrame(this.draw)
  }

  close(): void {
    if (this.frame !== undefined) cancelAnimationFrame(this.frame)
    this.frame = undefined
    this.floaters = []
  }

  private readonly draw = (now: number): void => {
    const { canvas } = this
    const context = canvas.getContext('2d')
    if (!context) return
    const scale = globalThis.devicePixelRatio
    const { clientWidth: width, clientHeight: height } = canvas
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale)
      canvas.height = Math.round(height * scale)
    }
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, width, height)
    this.floaters = this.floaters.filter(({ bornMs, lifeMs }) => now - bornMs < lifeMs)
    for (const { emoji, bornMs, x, sway, lifeMs } of this.floaters) {
      const age = Math.max(0, (now - bornMs) / lifeMs)
      const size = SIZE * Math.min(1, 0.4 + age * 4)
      context.globalAlpha = age < 0.7 ? 1 : (1 - age) / 0.3
      const left = x * width + Math.sin(age * 5) * sway - size / 2
      const picture = this.pictures.get(emoji)
      if (picture) context.drawImage(picture, left, height - size - age * height * 0.85, size, size)
    }
    context.globalAlpha = 1
    this.frame = this.floaters.length > 0 ? requestAnimationFrame(this.draw) : undefined
  }
}

function drawPicture(svg: SVGElement, colour: string): HTMLCanvasElement {
  const picture = document.createElement('canvas')
  picture.width = PICTURE_SIZE
  picture.height = PICTURE_SIZE
  const context = picture.getContext('2d')
  if (!context) return picture
  context.fillStyle = colour
  context.beginPath()
  context.arc(PICTURE_SIZE / 2, PICTURE_SIZE / 2, PICTURE_SIZE / 2 - 1, 0, 2 * Math.PI)
  context.fill()
  const icon = new Image()
  const inset = PICTURE_SIZE * 0.24
  icon.onload = () => context.drawImage(icon, inset, inset, PICTURE_SIZE - 2 * inset, PICTURE_SIZE - 2 * inset)
  const text = new XMLSerializer().serializeToString(svg).replaceAll('currentColor', '#fff')
  icon.src = `data:image/svg+xml,${encodeURIComponent(text)}`
  return picture
}
