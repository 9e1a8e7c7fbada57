/** Patterns of Lua as regular expressions, as far as the scripts use them. */
const CLASSES: Readonly<Record<string, string>> = { d: '0-9', s: '\\s', w: 'A-Za-z0-9', a: 'A-Za-z' }
const SPECIAL = /[$()*+.?[\]\\^{}|/]/

const known = new Map<string, RegExp>()

/** @param flags `y` for a match from a place on, `g` for all of them */
export function patternOf(pattern: string, flags: 'd' | 'dg'): RegExp {
  const name = `${flags} ${pattern}`
  const made = known.get(name) ?? new RegExp(sourceOf(pattern), flags)
  known.set(name, made)
  made.lastIndex = 0
  return made
}

function sourceOf(pattern: string): string {
  let source = ''
  let isInSet = false
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i] as string
    if (character === '%') {
      const next = pattern[++i] as string
      const inside = CLASSES[next.toLowerCase()]
      if (inside === undefined) source += SPECIAL.test(next) ? `\\${next}` : next
      else if (isInSet) source += inside
      else source += next === next.toLowerCase() ? `[${inside}]` : `[^${inside}]`
    } else if (character === '[') {
      isInSet = true
      source += character
    } else if (character === ']') {
      isInSet = false
      source += character
    } else if (isInSet) source += character === '\\' ? '\\\\' : character
    else if (character === '.') source += '[^]'
    else if (character === '-') source += '*?'
    else if (character === '{' || character === '}' || character === '|' || character === '\\')
      source += `\\${character}`
    else source += character
  }
  return source
}
