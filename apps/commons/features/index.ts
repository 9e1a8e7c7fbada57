/** The features that live on the server's namespaces, in the order in which their rooms are declared. */
import type { Commons } from '../commons.ts'
import { addAssistant } from './assistant/server.ts'
import { addDirect } from './direct/server.ts'
import { addGames } from './games/server.ts'
import { addLab } from './lab/server.ts'
import { addMarket } from './market/server.ts'
import { addAlerts } from './notifications/alerts.ts'
import { addReads } from './reads/server.ts'
import { addRooms } from './rooms/server.ts'
import { addShop } from './shop/server.ts'
import { addStage } from './stage/server.ts'
import { addTasks } from './tasks/server.ts'

export function addFeatures(commons: Commons): void {
  addRooms(commons)
  addReads(commons)
  addAssistant(commons)
  addDirect(commons)
  addAlerts(commons)
  addMarket(commons)
  addTasks(commons)
  addGames(commons)
  addShop(commons)
  addStage(commons)
  addLab(commons)
}
