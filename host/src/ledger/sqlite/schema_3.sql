-- A provider that is rate-limiting gets its pause; a sender whose refusals may be the recipients' is doubted
-- before it is set aside.
ALTER TABLE senders ADD COLUMN wait_until INTEGER;  -- the provider wants nothing before
ALTER TABLE senders ADD COLUMN doubts BLOB;         -- keyed hashes of recipients, one after another
ALTER TABLE senders ADD COLUMN unsealed TEXT;       -- what its process lacked of its seal when it last did something; NULL: nothing
