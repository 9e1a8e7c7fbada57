/** `@roomful/documents`: collaborative documents beside a Roomful server, for the official `y-websocket` provider. */
export { addDocuments, type Documents, type DocumentsOptions } from './documents.ts'
export type { DocumentChange, DocumentRecord, ListPage } from './store/record.ts'
