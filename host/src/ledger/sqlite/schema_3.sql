-- What became of a message after it was sent: whether the code was typed in, and what the provider said of
-- its delivery when it was asked.
ALTER TABLE decisions ADD COLUMN resend_of TEXT;       -- the id of the message that it is, sent again
ALTER TABLE decisions ADD COLUMN prefix_hash BLOB;     -- keyed hash of the number less its last four digits
ALTER TABLE decisions ADD COLUMN used_at INTEGER;      -- when the code was typed in
ALTER TABLE decisions ADD COLUMN delivery TEXT;        -- delivered, failed or sent, as the provider has it
ALTER TABLE decisions ADD COLUMN delivery_at INTEGER;  -- when it said so
ALTER TABLE decisions ADD COLUMN without_hub INTEGER;  -- 1: a hub is configured, and was away
CREATE INDEX decisions_used ON decisions (recipient_hash) WHERE used_at IS NOT NULL;
