-- The shared ledger, version 2: each machine says how it is set up.
CREATE TABLE textsender.machines (
    node   text PRIMARY KEY,
    at     bigint NOT NULL,  -- when it last said so
    report text NOT NULL     -- keyed fingerprints by name, as JSON
);

CREATE FUNCTION textsender.report_1(machine text, report text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Nothing is lost with it.
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO textsender.machines AS m VALUES (machine, textsender.now_ms(), report_1.report)
    ON CONFLICT (node) DO UPDATE SET at = excluded.at, report = excluded.report;
    RETURN machine;
END
$$;

UPDATE textsender.meta SET value = '2' WHERE name = 'schema';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA textsender FROM PUBLIC;
