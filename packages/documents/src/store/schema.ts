/** The shape of `documents.db`, one step per format; a step that was released is never changed, only followed. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    owner TEXT NOT NULL,
    locked INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0, -- its name stays, so that nobody who was away brings it back
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0    -- snapshot and updates
  ) STRICT;
  CREATE INDEX documents_by_change ON documents (changed_at, name) WHERE removed = 0;

  CREATE TABLE snapshots (
    document INTEGER PRIMARY KEY REFERENCES documents (id),
    body BLOB NOT NULL
  ) STRICT;

  CREATE TABLE updates (
    id INTEGER PRIMARY KEY, -- order of commit
    document INTEGER NOT NULL REFERENCES documents (id),
    body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX updates_by_document ON updates (document, id);
  `,
  `
  ALTER TABLE documents ADD COLUMN account TEXT NOT NULL DEFAULT ''; -- whose quota it counts towards
  UPDATE documents SET account = owner;
  CREATE INDEX documents_by_account ON documents (account) WHERE removed = 0;
  CREATE INDEX documents_by_removal ON documents (changed_at) WHERE removed = 1;
  `,
]

/** The format that this version writes. */
export const FORMAT = MIGRATIONS.length
