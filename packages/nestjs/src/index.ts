/** `@roomful/nestjs`: gateways of NestJS for Socket.IO and bare WebSocket, in the same rooms. */
export { RoomfulAdapter, type RoomfulAdapterOptions } from './adapter.ts'
export { BareClient, type BareHandshake } from './bare-client.ts'
