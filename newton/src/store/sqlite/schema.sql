CREATE TABLE domains (
  domain_id INTEGER PRIMARY KEY, -- below 0: belongs to the system
  name TEXT UNIQUE               -- such as bank/Account; NULL for streams without a domain
);
INSERT INTO domains (domain_id, name) VALUES (0, NULL), (-1, NULL);

CREATE TABLE streams (
  stream_id INTEGER PRIMARY KEY,
  domain_id INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE,         -- such as bank/Account/acc-1
  deleted INTEGER NOT NULL DEFAULT 0 -- 1 after a tombstone
);

CREATE TABLE event_types (
  type_id INTEGER PRIMARY KEY,
  domain_id INTEGER NOT NULL,
  name TEXT NOT NULL, -- such as AccountOpened
  UNIQUE (domain_id, name)
);

CREATE TABLE events (
  order_id INTEGER PRIMARY KEY, -- rises in commit order
  stream_id INTEGER NOT NULL,
  version INTEGER NOT NULL,     -- 1, 2, 3 and so on in the stream
  type_id INTEGER NOT NULL,
  schema NOT NULL,              -- an integer, or another program's text
  time INTEGER NOT NULL,        -- microseconds since 1970, UTC
  event_id NOT NULL,            -- 16 bytes where it is a UUID, otherwise text; so are all ids
  payload NOT NULL,             -- JSON text, or bytes where encoding or key_id is given
  correlation_id,
  command_id,
  cause_id,
  cause_relation TEXT,
  service TEXT,
  tenant TEXT,
  actor TEXT,
  tags TEXT,                    -- JSON: [["order","o-1"]]
  extra TEXT,                   -- JSON: {"name":"value"}
  encoding TEXT,                -- content type of the payload; NULL for JSON
  key_id TEXT                   -- of the key the payload is encrypted with
);
CREATE UNIQUE INDEX events_by_stream ON events (stream_id, version);
CREATE UNIQUE INDEX events_by_id ON events (event_id);
CREATE INDEX events_by_type ON events (type_id);

CREATE TABLE tags (
  tag_id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (key, value)
);
CREATE TABLE event_tags (
  tag_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  PRIMARY KEY (tag_id, order_id)
) WITHOUT ROWID;

-- The events of a correlation, but for those whose id begins as its id does: events_by_id leads to them.
CREATE TABLE event_correlations (
  correlation_id NOT NULL,
  order_id INTEGER NOT NULL,
  PRIMARY KEY (correlation_id, order_id)
) WITHOUT ROWID;

CREATE TABLE state (
  space TEXT NOT NULL,
  key TEXT NOT NULL,
  revision INTEGER NOT NULL,
  value NOT NULL, -- text where it is UTF-8, otherwise bytes
  PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('state_revision', 0);
