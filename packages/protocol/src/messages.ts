/** Every message of the room vocabulary with its schema as data. Servers validate with them; clients import their types. */
export * from './messages/check.ts'
export {
  type AckOf,
  Content,
  type DataOf,
  type DownMessage,
  Epoch,
  Key,
  Member,
  Name,
  NotificationBody,
  Ok,
  Position,
  ResetReason,
  RoomId,
  Seq,
  StatePage,
  Status,
  Stored,
  Timestamp,
  type UpMessage,
  UserId,
} from './messages/definition.ts'
export * from './vocabulary.ts'
