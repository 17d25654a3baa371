-- A place in a window is given back by its own time: the windows that count a claim, each with when and
-- for how long. `reserved` of version 1 named the windows only; what it names ages out.
ALTER TABLE decisions ADD COLUMN places BLOB;
ALTER TABLE decisions ADD COLUMN user_hash BLOB;     -- keyed hash of the user's name
ALTER TABLE decisions ADD COLUMN reasons TEXT;       -- what the provider said, a line for each attempt
ALTER TABLE decisions ADD COLUMN looked_at INTEGER;  -- when an unknown message was last looked for

-- A provider that is rate-limiting gets its pause; a sender whose refusals may be the recipients' is doubted
-- before it is set aside.
ALTER TABLE senders ADD COLUMN wait_until INTEGER;  -- the provider wants nothing before
ALTER TABLE senders ADD COLUMN doubts BLOB;         -- keyed hashes of recipients, one after another
ALTER TABLE senders ADD COLUMN unsealed TEXT;       -- what its process lacked of its seal when it last did something; NULL: nothing
