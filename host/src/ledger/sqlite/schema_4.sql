-- Where the user's request came from, so that texts can be counted by it.
ALTER TABLE decisions ADD COLUMN source_hash BLOB;     -- keyed hash of the address
