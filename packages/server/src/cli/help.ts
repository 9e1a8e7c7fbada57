/** The text of `roomful help`. */
import { describeFlags } from '../config/describe.ts'
import { ERASE_USAGE, EXPLAIN_USAGE, PUBLISH_USAGE, TAIL_USAGE, WHO_USAGE } from './remote-commands.ts'

/** All commands, for suggestions. */
export const COMMANDS = [
  'serve',
  'token',
  'config',
  'publish',
  'tail',
  'who',
  'explain',
  'erase',
  'backup',
  'restore',
  'export',
  'load',
  'help',
  'version',
] as const

/** The usage of all commands and settings. */
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

Against a server (docs/load.md):
  roomful load                          put load on it, and measure from outside
      --clients <count> --rooms <count>  how many, and in how many rooms (default: 100 in 10)
      --rate <count>     messages per second, of all together (default: 50)
      --seconds <count>  for how long (default: 30)
      --dialect <name>   plain, v1, socketio, sse or poll (default: plain)
      --as users         with tokens of the server's secret, instead of as guests of /public
      --report <file>    write an HTML report

Of a data folder (--data), beside its running server or without one (docs/backup.md):
  roomful backup --to <folder>          copy it
  roomful restore --from <folder>       make a new one of a backup
  roomful export                        print stored events, a line of JSON each
      --namespace <name> --room <id>    these only
      --user <id>        only what a user said, and the user's inbox

Of a running server, over its HTTP API (ROOMFUL_API_KEY on both sides):
  roomful ${PUBLISH_USAGE}              store an event in a room
      --key <key>        a repeat under the same key adds nothing
      --user <id>        whose event it is
  roomful ${TAIL_USAGE}                 the latest events of a room, and those that follow
      --after <number>   from there on, instead of the latest
      --lines <count>    how many of the latest (default: 20)
      --follow off       end there
  roomful ${WHO_USAGE}                  who is in a room
  roomful ${EXPLAIN_USAGE}
                         why a client did, or did not, see an event
  roomful ${ERASE_USAGE}               erase what a user said, and the account; print what was done
      --server <url>     default: where \`roomful serve\` with the same settings is
      --namespace <name> default: /
      --format json      a line of JSON each, for programs

Options (each is also an environment variable and a key of roomful.config.json; see docs/settings.md):
  --config <file>            JSON file with settings [roomful.config.json]

${describeFlags()}`
}
