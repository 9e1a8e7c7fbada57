/**
 * The schema of `roomful.db`, one step per format; `user_version` counts the steps taken. A released step never changes;
 * add another one. Rows contain canonical JSON, never frames, so that dialects can change without a migration.
 *
 * `events` is ordered by commit, so that appending touches the end of one tree however many rooms there are, and the
 * oldest of all rooms come first; a room's own order is an index, small enough to read without the bodies. A room's
 * latest number is that of its last event; `rooms.seq` only remembers it when the event itself was trimmed.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE file (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL, -- grows when the tail may have been lost
    boot TEXT NOT NULL,          -- the boot of the machine that wrote last
    sync TEXT NOT NULL,          -- how it wrote
    is_clean INTEGER NOT NULL    -- whether it closed the file itself
  ) STRICT;
  INSERT INTO file VALUES (1, 1, '', 'full', 1);

  CREATE TABLE namespaces (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    log_id TEXT NOT NULL,
    n INTEGER NOT NULL,  -- commit number of the latest event
    ts INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    ns INTEGER NOT NULL REFERENCES namespaces (id),
    name TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,            -- latest number among those trimmed
    ts INTEGER NOT NULL,             -- when that was stored, or the room was made
    retention INTEGER NOT NULL,
    mark INTEGER NOT NULL DEFAULT 0, -- up to where an inbox was delivered to its user
    UNIQUE (ns, name)
  ) STRICT;

  CREATE TABLE events (
    id INTEGER PRIMARY KEY, -- order of commit over all namespaces
    room INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    type TEXT NOT NULL,
    args TEXT,              -- JSON array; null once redacted
    user TEXT,
    key TEXT
  ) STRICT;
  CREATE UNIQUE INDEX events_by_room ON events (room, seq);

  CREATE TABLE keys (
    id INTEGER PRIMARY KEY, -- order of arrival
    key TEXT NOT NULL,
    scope TEXT NOT NULL,
    ns INTEGER NOT NULL,
    part INTEGER NOT NULL,  -- place within a unit, whose rows share the key
    fingerprint TEXT NOT NULL,
    n INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    ts INTEGER NOT NULL
  ) STRICT;
  -- The key comes first: UUIDv7 keys of all users then fall into the same few pages at the end of the index.
  CREATE UNIQUE INDEX keys_by_name ON keys (key, scope, ns, part);

  CREATE TABLE sessions (
    ns INTEGER NOT NULL,
    id TEXT NOT NULL,
    record TEXT NOT NULL, -- JSON
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (ns, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_by_expiry ON sessions (expires_at);
  `,
  `
  ALTER TABLE keys ADD COLUMN reply TEXT; -- what the request was answered with, where that was kept
  `,
  `
  CREATE TABLE returning_members (
    id INTEGER PRIMARY KEY,
    ns INTEGER NOT NULL,
    record TEXT NOT NULL -- JSON: a member expected to reconnect after a restart
  ) STRICT;
  `,
  `
  ALTER TABLE rooms ADD COLUMN trimmed_n INTEGER NOT NULL DEFAULT 0;        -- commit of the latest event that was trimmed
  ALTER TABLE namespaces ADD COLUMN forgotten_n INTEGER NOT NULL DEFAULT 0; -- latest commit of a room that was forgotten
  -- What was trimmed and forgotten before is not known: as much as there can have been.
  UPDATE rooms SET trimmed_n = coalesce(
    (SELECT iif(seq = 1, 0, n - 1) FROM events WHERE room = rooms.id ORDER BY seq LIMIT 1),
    iif(seq = 0, 0, (SELECT n FROM namespaces WHERE id = rooms.ns)));
  UPDATE namespaces SET forgotten_n = n;
  `,
  `
  CREATE TABLE writers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL -- of its events in the file, roughly
  ) STRICT;
  CREATE INDEX writers_by_bytes ON writers (bytes);
  INSERT INTO writers VALUES (0, ' emptied', 0);
  -- Older events all belong to one writer.
  INSERT INTO writers SELECT 1, ' before', coalesce(sum(coalesce(octet_length(args), 0) + 160), 0) FROM events;
  ALTER TABLE events ADD COLUMN writer INTEGER NOT NULL DEFAULT 1;
  CREATE INDEX events_by_writer ON events (writer, id) WHERE writer <> 0;
  `,
  `
  ALTER TABLE file ADD COLUMN run TEXT NOT NULL DEFAULT ''; -- the mark beside this file that fits it; '' = not known yet
  `,
  `
  -- An index by writer touches a page per writer with each append, and only a full file needs it: it is filled later.
  DROP INDEX events_by_writer;
  ALTER TABLE events ADD COLUMN is_indexed INTEGER NOT NULL DEFAULT 0; -- in events_by_writer
  CREATE INDEX events_by_writer ON events (writer, id) WHERE is_indexed = 1 AND writer <> 0;
  ALTER TABLE file ADD COLUMN indexed_id INTEGER NOT NULL DEFAULT 0; -- events up to this one are in events_by_writer
  ALTER TABLE file ADD COLUMN counted_id INTEGER NOT NULL DEFAULT 0; -- events up to this one are in writers.bytes
  UPDATE writers SET bytes = 0;
  UPDATE writers SET bytes = counted.bytes FROM
    (SELECT writer, sum(coalesce(octet_length(args), 0) + 160) AS bytes FROM events GROUP BY writer) AS counted
    WHERE counted.writer = writers.id;
  UPDATE file SET counted_id = coalesce((SELECT max(id) FROM events), 0);
  `,
  `
  CREATE TABLE texts (
    room INTEGER NOT NULL,
    seq INTEGER NOT NULL,    -- of the event that began the message
    length INTEGER NOT NULL, -- of its text so far, in UTF-16 units
    ts INTEGER NOT NULL,     -- when it was last added to
    PRIMARY KEY (room, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pieces (
    room INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,    -- the length before it
    fragment TEXT NOT NULL, -- of JSON, without quotes
    PRIMARY KEY (room, seq, at)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE facts (
    room INTEGER NOT NULL,
    key TEXT NOT NULL,     -- s and a name of the state, or r and the user who has read so far
    value TEXT NOT NULL,   -- JSON
    version INTEGER NOT NULL,
    PRIMARY KEY (room, key)
  ) STRICT, WITHOUT ROWID;
  ALTER TABLE rooms ADD COLUMN fv INTEGER NOT NULL DEFAULT 0; -- version of its state
  `,
  `
  ALTER TABLE events ADD COLUMN except_id TEXT; -- the connection that does not get it
  `,
]

/** The format that this version writes. */
export const FORMAT = MIGRATIONS.length
