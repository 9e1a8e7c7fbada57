/** What `roomful help` and `roomful --version` print. */
import { describeFlags } from '../config/describe.ts'

export const COMMANDS = ['serve', 'token', 'config', 'help', 'version'] as const

export function help(): string {
  return `roomful: a realtime room server

Usage:
  roomful serve [options]               start a server
  roomful token --sub <id> [options]    print a token that the server with the same data folder or secret accepts
      --sub <id>         who it speaks of
      --name <name>      the name that others see (default: the id)
      --role <role>      user, support, seller or admin (default: user)
      --expires <time>   30s, 15m, 12h, 7d or never (default: 24h)
  roomful config [--format json]        print the settings in force and where each came from
  roomful help, roomful --version

Options (each is also an environment variable and a key of roomful.config.json; see docs/settings.md):
  --config <file>            JSON file with settings [roomful.config.json]

${describeFlags()}`
}
