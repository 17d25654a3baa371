-- What belongs to the ledger itself: the proof of its key, when it was last tidied, and how far.
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

-- One row for each decision, in the order of the claims. Times are milliseconds since 1970.
CREATE TABLE decisions (
    seq            INTEGER PRIMARY KEY,
    at             INTEGER NOT NULL,
    id             TEXT NOT NULL,
    live           INTEGER NOT NULL,  -- 1: a repeat of the id meets this row
    purpose        TEXT,
    event          TEXT,
    actor          TEXT,
    policy         TEXT,
    region         TEXT,
    segments       INTEGER,
    uid            INTEGER NOT NULL,
    recipient      TEXT,              -- masked
    recipient_hash BLOB,              -- keyed
    content        BLOB,              -- keyed hash of purpose and number
    tag            INTEGER,           -- 16 bits of the secret's keyed hash, NULL after expiry
    expires        INTEGER,
    owner          TEXT,              -- the process that holds the claim
    reserved       BLOB,              -- the windows that count it
    over_limit     TEXT,              -- limits in mode "record" that it went over
    paused         TEXT,              -- senders that were known to fail, a line each: sender, why
    sent_to        TEXT,              -- senders it was dispatched to, a line each; NULL: to none
    outcome        TEXT,              -- NULL: being sent
    code           TEXT,
    sender         TEXT,
    provider_id    TEXT,
    attempts       TEXT,              -- a line each: sender, outcome, code or -, milliseconds
    ms             INTEGER,
    replayed       INTEGER NOT NULL DEFAULT 0,
    response       TEXT               -- what a repeat is answered
) STRICT;
CREATE INDEX decisions_id ON decisions (id, live);
CREATE INDEX decisions_at ON decisions (at);
CREATE INDEX decisions_open ON decisions (owner) WHERE outcome IS NULL;
CREATE INDEX decisions_tag ON decisions (expires) WHERE tag IS NOT NULL;

-- Sliding windows of the limits: the keyed hash of what is counted, and when.
CREATE TABLE windows (
    key    BLOB PRIMARY KEY,
    until  INTEGER NOT NULL,
    events BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The health of senders that have failed at some time.
CREATE TABLE senders (
    sender    TEXT PRIMARY KEY,
    failures  INTEGER NOT NULL,  -- in a row
    reason    TEXT NOT NULL,     -- of the last failure
    failed_at INTEGER NOT NULL,
    trial_at  INTEGER            -- when a message was last let through to try
) STRICT, WITHOUT ROWID;
