-- A place in a window is given back by its own time: the windows that count a claim, each with when and
-- for how long. `reserved` of version 1 named the windows only; what it names ages out.
ALTER TABLE decisions ADD COLUMN places BLOB;
ALTER TABLE decisions ADD COLUMN user_hash BLOB;     -- keyed hash of the user's name
ALTER TABLE decisions ADD COLUMN reasons TEXT;       -- what the provider said, a line for each attempt
ALTER TABLE decisions ADD COLUMN looked_at INTEGER;  -- when an unknown message was last looked for

-- Changes of the settings: who made which, and what it changed. No secret is in it.
CREATE TABLE changes (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    uid        INTEGER NOT NULL,
    actor      TEXT,              -- the account's name
    command    TEXT NOT NULL,     -- what was done, as `sender set twilio`
    difference TEXT NOT NULL      -- lines of the files that went (-) and came (+)
) STRICT;
CREATE INDEX changes_at ON changes (at);
