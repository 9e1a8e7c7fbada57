/** The local broker against the contract, over each of its logs. */
import { brokerContract } from '@roomful/testkit/contracts/broker'
import { openInMemory, openOnSqlite } from './opening.ts'

brokerContract('local, memory', openInMemory, false)
brokerContract('local, SQLite', openOnSqlite, true)
