-- The shared ledger, version 3: counts of all time that a machine's own ledger had come with it.
CREATE FUNCTION textsender.totals_1(ledger text, counted text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Once for each ledger.
    INSERT INTO textsender.meta VALUES ('totals ' || ledger, textsender.now_ms()::text) ON CONFLICT (name) DO NOTHING;
    IF FOUND THEN
        INSERT INTO textsender.totals AS s
        SELECT c.* FROM jsonb_populate_recordset(NULL::textsender.totals, counted::jsonb) c
        ON CONFLICT (sender, region, outcome, step) DO UPDATE
        SET messages = s.messages + excluded.messages, segments = s.segments + excluded.segments,
            ms = s.ms + excluded.ms;
    END IF;
    RETURN ledger;
END
$$;

-- From now on each machine has to have another key. Whoever says so knows the one that all had.
CREATE FUNCTION textsender.key_1(before text, now text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE textsender.meta SET value = key_1.now WHERE name = 'proof' AND value = key_1.before;
    RETURN key_1.now;
END
$$;

UPDATE textsender.meta SET value = '3' WHERE name = 'schema';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA textsender FROM PUBLIC;
