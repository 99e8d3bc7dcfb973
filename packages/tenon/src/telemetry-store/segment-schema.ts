/**
 * The tables of one file of the store. Times are microseconds since 1970, which a JavaScript number holds exactly;
 * identifiers of traces and spans are bytes.
 *
 * A file repeats the names and resources that it uses, so that it can be removed without asking the others.
 */

/** Kept in `user_version`. A file of another version is left alone until its time comes. */
export const schemaVersion = 1;

/** From here on, in µs, a span is in the index of slow ones. */
export const slowUs = 100_000;

export const schemaSql = `
  CREATE TABLE birth (ms REAL NOT NULL) STRICT; -- one row: when the file was made
  CREATE TABLE resources (id INTEGER PRIMARY KEY, attributes TEXT NOT NULL UNIQUE, service TEXT NOT NULL) STRICT;
  CREATE TABLE operations (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL, is_entry INTEGER NOT NULL,
    UNIQUE (service, name, kind, is_entry)
  ) STRICT;

  CREATE TABLE spans (
    id INTEGER PRIMARY KEY, trace BLOB NOT NULL, span BLOB NOT NULL, parent BLOB NOT NULL,
    start_us INTEGER NOT NULL, duration_us INTEGER NOT NULL, status INTEGER NOT NULL,
    operation INTEGER NOT NULL, resource INTEGER NOT NULL,
    body TEXT NOT NULL -- what is only shown: attributes, events, links, message, state; name where the operation has none
  ) STRICT;
  CREATE INDEX spans_trace ON spans (trace);
  CREATE INDEX spans_start ON spans (start_us);
  CREATE INDEX spans_operation ON spans (operation, start_us);
  CREATE INDEX spans_failed ON spans (start_us) WHERE status = 2;
  CREATE INDEX spans_slow ON spans (start_us) WHERE duration_us >= ${slowUs};

  CREATE TABLE rates (
    operation INTEGER NOT NULL, slot_s INTEGER NOT NULL, count INTEGER NOT NULL, errors INTEGER NOT NULL,
    durations TEXT NOT NULL, PRIMARY KEY (slot_s, operation)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE logs (
    id INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, level INTEGER NOT NULL, trace BLOB, span BLOB,
    resource INTEGER NOT NULL, message TEXT NOT NULL, fields TEXT NOT NULL
  ) STRICT;
  CREATE INDEX logs_time ON logs (time_us);
  CREATE INDEX logs_trace ON logs (trace) WHERE trace IS NOT NULL;
  CREATE INDEX logs_bad ON logs (time_us) WHERE level >= 2;

  CREATE TABLE series (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, name TEXT NOT NULL, type TEXT NOT NULL, unit TEXT NOT NULL, help TEXT NOT NULL,
    temporality TEXT NOT NULL, labels TEXT NOT NULL, resource INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX series_name ON series (name);
  CREATE TABLE points (
    series INTEGER NOT NULL, time_us INTEGER NOT NULL, value REAL, histogram TEXT, PRIMARY KEY (series, time_us)
  ) STRICT, WITHOUT ROWID;

  PRAGMA user_version = ${schemaVersion};
`;
