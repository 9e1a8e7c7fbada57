/** The parts of PROTOCOL.md that the code knows best: every message, error code, close code and limit. */
import { type AfterClose, afterClose, CLOSE_CODES, ERROR_CODES } from '@roomful/protocol'
import { down, UP_ALIASES, up } from '@roomful/protocol/messages'
import { notation } from './notation.ts'

export function protocolSections(): Record<string, string> {
  return { up: upMessages(), down: downMessages(), 'error-codes': errorCodes(), 'close-codes': closeCodes() }
}

function upMessages(): string {
  return Object.values(up)
    .map(({ name, when, data, ack }) => {
      const aliases = Object.entries(UP_ALIASES).flatMap(([alias, means]) => (means === name ? [`\`${alias}\``] : []))
      const also = aliases.length === 0 ? '' : ` Also called ${aliases.join(', ')}.`
      return `#### \`${name}\`\n\n${when}${also}\n\n${block(`data    ${notation(data)}\nanswer  ${notation(ack)}`)}`
    })
    .join('\n\n')
}

function downMessages(): string {
  return Object.values(down)
    .map(({ name, when, delivery, data }) => `#### \`${name}\` · ${delivery}\n\n${when}\n\n${block(notation(data))}`)
    .join('\n\n')
}

function errorCodes(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, { http, message }]) => `| \`${code}\` | ${http} | ${message} |`)
  return ['| code | HTTP | default sentence |', '|---|---|---|', ...rows].join('\n')
}

const NEXT: Readonly<Record<AfterClose, string>> = {
  stop: 'does not come back by itself',
  reconnect: 'reconnects after a jittered wait',
  'new-token': 'reconnects with a new token',
}

function closeCodes(): string {
  const rows = Object.values(CLOSE_CODES).map(
    ({ code, meaning }) => `| ${code} | ${meaning} | ${NEXT[afterClose(code)]} |`,
  )
  return ['| code | meaning | the client |', '|---|---|---|', ...rows].join('\n')
}

function block(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``
}
