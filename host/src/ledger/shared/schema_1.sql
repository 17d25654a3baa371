-- The shared ledger, version 1. To be run by the owner of the database; nothing here is for an application
-- to run. `textsender` only calls functions and reads the audit.
--
-- The tables are those of the ledger on one machine (`ledger.md`), with a version in each row: whatever is
-- written, is written where what was read is still so.
CREATE SCHEMA textsender;

CREATE TABLE textsender.meta (
    name  text PRIMARY KEY,
    value text NOT NULL
);

-- Each value is taken once, so that a version says which step wrote a row.
CREATE SEQUENCE textsender.versions;

-- One row for each decision. Times are milliseconds since 1970, by this server's clock.
CREATE TABLE textsender.decisions (
    seq            bigint PRIMARY KEY,
    v              bigint NOT NULL,
    node           text,              -- the machine that wrote it
    at             bigint NOT NULL,
    id             text NOT NULL,
    live           boolean NOT NULL,  -- a repeat of the id meets this row
    purpose        text,
    event          text,
    actor          text,
    policy         text,
    region         text,
    segments       bigint,
    uid            bigint NOT NULL,
    recipient      text,              -- masked
    recipient_hash text,              -- keyed; hashes are in hexadecimal
    user_hash      text,
    source_hash    text,              -- of the address that the user's request came from
    content        text,
    tag            integer,           -- 16 bits of the secret's keyed hash, NULL after expiry
    expires        bigint,
    owner          text,              -- the process that holds the claim
    lease          bigint,            -- until when
    epoch          text,              -- of the server, when it was claimed
    places         text,
    over_limit     text,
    paused         text,
    sent_to        text,              -- senders it was dispatched to, a line each; NULL: to none
    outcome        text,              -- NULL: being sent
    code           text,
    sender         text,
    provider_id    text,
    attempts       text,
    reasons        text,
    ms             bigint,
    replayed       boolean NOT NULL,
    response       text,
    looked_at      bigint,
    resend_of      text,              -- the id of the message that it is, sent again
    prefix_hash    text,              -- of the number less its last four digits
    used_at        bigint,
    delivery       text,
    delivery_at    bigint,
    without_hub    boolean
);
CREATE INDEX decisions_live ON textsender.decisions (id, seq) WHERE live;
CREATE INDEX decisions_id ON textsender.decisions (id);
CREATE INDEX decisions_at ON textsender.decisions (at);
CREATE INDEX decisions_open ON textsender.decisions (lease) WHERE outcome IS NULL;
CREATE INDEX decisions_used ON textsender.decisions (recipient_hash) WHERE used_at IS NOT NULL;
CREATE INDEX decisions_tag ON textsender.decisions (expires) WHERE tag IS NOT NULL;

CREATE TABLE textsender.windows (
    key    text PRIMARY KEY,
    v      bigint NOT NULL,
    until  bigint NOT NULL,
    events text NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE textsender.senders (
    sender     text PRIMARY KEY,
    v          bigint NOT NULL,
    failures   bigint NOT NULL,
    reason     text NOT NULL,
    failed_at  bigint NOT NULL,
    trial_at   bigint,
    wait_until bigint,
    doubts     text,
    unsealed   text
) WITH (fillfactor = 50);

-- What decisions counted that are gone, or had another outcome: counts of all time only grow.
CREATE TABLE textsender.totals (
    sender   text NOT NULL,
    region   text NOT NULL,
    outcome  text NOT NULL,
    step     integer NOT NULL,  -- of the histogram of times
    messages bigint NOT NULL,
    segments bigint NOT NULL,
    ms       bigint NOT NULL,
    PRIMARY KEY (sender, region, outcome, step)
);

-- The last step of each process: one that was done is not done again, however often it is sent.
CREATE TABLE textsender.steps (
    owner text PRIMARY KEY,
    step  bigint NOT NULL,
    node  text,
    at    bigint NOT NULL
) WITH (fillfactor = 50);

-- The time of this server in milliseconds. In PL/pgSQL, as this and the next one are part of each step: a function in SQL
-- would be planned anew in each.
CREATE FUNCTION textsender.now_ms() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN floor(extract(epoch FROM clock_timestamp()) * 1000);
END
$$;

-- The step of the histogram that so many milliseconds are in.
CREATE FUNCTION textsender.step_of(ms bigint) RETURNS integer
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT width_bucket(coalesce(ms, 0) - 1, ARRAY[100, 250, 500, 1000, 2500, 5000, 10000, 30000]::bigint[]) $$;

-- What changes with every start and every promotion of a server: what was not synced may be lost by it.
CREATE FUNCTION textsender.epoch() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN left(pg_walfile_name(pg_current_wal_lsn()), 8) || '-'
        || floor(extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint::text;
END
$$;

-- What a process learns when it connects. The first one leaves the proof of its key.
CREATE FUNCTION textsender.hello_1(proof text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known jsonb;
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN json_build_object('recovery', true)::text;
    END IF;
    LOOP
        SELECT jsonb_object_agg(name, value) INTO known
        FROM textsender.meta WHERE name IN ('proof', 'pauses', 'tidied_at');
        EXIT WHEN known ? 'proof' OR coalesce(proof, '') = '';
        INSERT INTO textsender.meta VALUES ('proof', proof) ON CONFLICT (name) DO NOTHING;
    END LOOP;
    RETURN json_build_object(
        'recovery', false,
        'proof', known->>'proof',
        'now', textsender.now_ms(),
        'epoch', textsender.epoch(),
        'commit', current_setting('synchronous_commit'),
        'standbys', current_setting('synchronous_standby_names'),
        'fsync', current_setting('fsync'),
        'version', current_setting('server_version_num')::int,
        'pauses', known->>'pauses',
        'tidied', (known->>'tidied_at')::bigint)::text;
END
$$;

-- One step of a process: what it has read is still so, or it is told what is so now; what it writes is
-- written whole. A step that was done already is not done again.
--
-- Each row is looked up by an index, and by nothing else: a connection keeps the plans of its first steps, which were
-- made while the tables were small, and would read the whole of them by those plans when they are not.
CREATE FUNCTION textsender.step_1(request text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    r         jsonb := request::jsonb;
    process   text := r->>'owner';
    number    bigint := (r->>'step')::bigint;
    done      bigint;
    is_stale  boolean := false;
    found     jsonb;
    base      textsender.decisions;
    version   bigint;
    written   bigint;
BEGIN
    PERFORM set_config('lock_timeout', r->>'wait', true),
            set_config('idle_in_transaction_session_timeout', r->>'wait', true),
            set_config('synchronous_commit', r->>'commit', true);

    -- An earlier sending of this step may still wait for its commit.
    PERFORM pg_advisory_xact_lock(hashtextextended(process, 1));
    SELECT s.step INTO done FROM textsender.steps s WHERE s.owner = process;
    IF done >= number THEN
        -- Something must be written, or this would not wait until that step is as safe as it should be.
        UPDATE textsender.steps s SET at = s.at + 1 WHERE s.owner = process;
        RETURN json_build_object('done', true, 'now', textsender.now_ms(), 'epoch', textsender.epoch())::text;
    END IF;

    -- Steps that rely on what is paused go on beside each other. One that pauses or resumes waits for those that
    -- have begun, whose claims stand then; those that begin after it see what it wrote.
    IF jsonb_typeof(r->'put_pauses') = 'object' THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('pauses', 2));
    ELSIF jsonb_typeof(r->'pauses') = 'object' THEN
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('pauses', 2));
    END IF;

    -- Always in this order, and each kind by its key, so that no two steps wait for each other. Here and below a
    -- statement is left out where the step has nothing for it: the first of a connection would plan it for nothing.
    IF jsonb_array_length(r->'ids') > 0 THEN
        PERFORM pg_advisory_xact_lock(h.hash)
        FROM (SELECT DISTINCT hashtextextended(i.id, 0) AS hash
              FROM jsonb_to_recordset(r->'ids') AS i(id text) ORDER BY 1) h;
    END IF;
    -- All are locked, also where one is found to have changed: whoever tries again in this transaction is in time.
    IF jsonb_array_length(r->'windows') > 0 THEN
        SELECT bool_or(coalesce(w.v, 0) IS DISTINCT FROM e.v) INTO is_stale
        FROM (SELECT * FROM jsonb_to_recordset(r->'windows') AS e(k text, v bigint) ORDER BY k) e
        LEFT JOIN LATERAL (SELECT w.v FROM textsender.windows w WHERE w.key = e.k FOR UPDATE) w ON true;
    END IF;
    IF jsonb_array_length(r->'senders') > 0 THEN
        SELECT is_stale OR bool_or(coalesce(s.v, 0) IS DISTINCT FROM e.v) INTO is_stale
        FROM (SELECT * FROM jsonb_to_recordset(r->'senders') AS e(k text, v bigint) ORDER BY k) e
        LEFT JOIN LATERAL (SELECT s.v FROM textsender.senders s WHERE s.sender = e.k FOR UPDATE) s ON true;
    END IF;
    IF jsonb_array_length(r->'rows') > 0 THEN
        SELECT is_stale OR bool_or(coalesce(d.v, 0) IS DISTINCT FROM e.v) INTO is_stale
        FROM (SELECT * FROM jsonb_to_recordset(r->'rows') AS e(seq bigint, v bigint) ORDER BY seq) e
        LEFT JOIN LATERAL (SELECT d.v FROM textsender.decisions d WHERE d.seq = e.seq FOR UPDATE) d ON true;
    END IF;
    -- What was not there could not be locked: another step may have made it while this one waited for the others.
    IF NOT is_stale AND jsonb_path_exists(r->'windows', '$[*].v ? (@ == 0)') THEN
        is_stale := EXISTS (
            SELECT 1 FROM jsonb_to_recordset(r->'windows') AS e(k text, v bigint)
            JOIN textsender.windows w ON w.key = e.k WHERE e.v = 0);
    END IF;
    IF NOT is_stale AND jsonb_path_exists(r->'senders', '$[*].v ? (@ == 0)') THEN
        is_stale := EXISTS (
            SELECT 1 FROM jsonb_to_recordset(r->'senders') AS e(k text, v bigint)
            JOIN textsender.senders s ON s.sender = e.k WHERE e.v = 0);
    END IF;

    IF NOT is_stale AND jsonb_array_length(r->'ids') > 0 THEN
        is_stale := EXISTS (
            SELECT 1 FROM jsonb_to_recordset(r->'ids') AS e(id text, seq bigint)
            WHERE coalesce((SELECT d.seq FROM textsender.decisions d WHERE d.id = e.id AND d.live
                            ORDER BY d.seq DESC LIMIT 1), 0) <> e.seq);
    END IF;
    IF NOT is_stale AND jsonb_array_length(r->'used') > 0 THEN
        is_stale := EXISTS (
            SELECT 1 FROM jsonb_to_recordset(r->'used') AS e(k text, has boolean)
            WHERE e.has <> EXISTS (SELECT 1 FROM textsender.decisions d
                                   WHERE d.recipient_hash = e.k AND d.used_at IS NOT NULL));
    END IF;
    IF NOT is_stale AND jsonb_array_length(r->'provider_ids') > 0 THEN
        is_stale := EXISTS (
            SELECT 1 FROM jsonb_to_recordset(r->'provider_ids') AS e(k text, since bigint, has boolean)
            WHERE e.has <> EXISTS (SELECT 1 FROM textsender.decisions d
                                   WHERE d.at >= e.since AND d.provider_id = e.k));
    END IF;
    IF NOT is_stale AND jsonb_typeof(r->'pauses') = 'object' THEN
        is_stale := coalesce((SELECT m.value FROM textsender.meta m WHERE m.name = 'pauses'), '')
            <> r->'pauses'->>'value';
    END IF;
    -- A claim whose time is up is not dispatched, whatever its process believes.
    IF NOT is_stale AND jsonb_array_length(r->'leases') > 0 THEN
        is_stale := EXISTS (
            SELECT 1 FROM jsonb_to_recordset(r->'leases') AS l(seq bigint)
            JOIN textsender.decisions d ON d.seq = l.seq
            WHERE d.lease <= coalesce((r->>'at')::bigint, textsender.now_ms()));
    END IF;
    IF is_stale THEN
        -- Locks alone were taken: no disk has to have that.
        PERFORM set_config('synchronous_commit', 'off', true);
        found := jsonb_build_object('stale', true, 'now', textsender.now_ms(), 'epoch', textsender.epoch(),
            'pauses', (SELECT m.value FROM textsender.meta m WHERE m.name = 'pauses'));
        IF jsonb_array_length(r->'used') > 0 THEN
            found := found || jsonb_build_object('used', coalesce((
                SELECT jsonb_agg(e.k) FROM jsonb_to_recordset(r->'used') AS e(k text)
                WHERE EXISTS (SELECT 1 FROM textsender.decisions d
                              WHERE d.recipient_hash = e.k AND d.used_at IS NOT NULL)), '[]'));
        END IF;
        IF jsonb_array_length(r->'provider_ids') > 0 THEN
            found := found || jsonb_build_object('provider_ids', coalesce((
                SELECT jsonb_agg(e.k) FROM jsonb_to_recordset(r->'provider_ids') AS e(k text, since bigint)
                WHERE EXISTS (SELECT 1 FROM textsender.decisions d
                              WHERE d.at >= e.since AND d.provider_id = e.k)), '[]'));
        END IF;
        IF jsonb_array_length(r->'windows') > 0 THEN
            found := found || jsonb_build_object('windows', coalesce((
                SELECT jsonb_agg(w) FROM textsender.windows w
                WHERE w.key IN (SELECT e.k FROM jsonb_to_recordset(r->'windows') AS e(k text))), '[]'));
        END IF;
        IF jsonb_array_length(r->'senders') > 0 THEN
            found := found || jsonb_build_object('senders', coalesce((
                SELECT jsonb_agg(s) FROM textsender.senders s
                WHERE s.sender IN (SELECT e.k FROM jsonb_to_recordset(r->'senders') AS e(k text))), '[]'));
        END IF;
        IF jsonb_array_length(r->'rows') > 0 THEN
            found := found || jsonb_build_object('rows', coalesce((
                SELECT jsonb_agg(d) FROM textsender.decisions d
                WHERE d.seq IN (SELECT e.seq FROM jsonb_to_recordset(r->'rows') AS e(seq bigint))), '[]'));
        END IF;
        IF jsonb_array_length(r->'ids') > 0 THEN
            found := found || jsonb_build_object('holders', coalesce((
                SELECT jsonb_agg(h)
                FROM (SELECT DISTINCT e.id FROM jsonb_to_recordset(r->'ids') AS e(id text)) i,
                LATERAL (SELECT d.* FROM textsender.decisions d WHERE d.id = i.id AND d.live
                         ORDER BY d.seq DESC LIMIT 1) h), '[]'));
        END IF;
        RETURN found::text;
    END IF;

    version := nextval('textsender.versions');
    base.v := version;
    base.epoch := textsender.epoch();
    base.node := r->>'node';

    IF jsonb_array_length(r->'insert') > 0 THEN
        INSERT INTO textsender.decisions
        SELECT * FROM jsonb_populate_recordset(base, r->'insert')
        ON CONFLICT (seq) DO NOTHING;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> jsonb_array_length(r->'insert') THEN
            RAISE EXCEPTION 'another took a number first' USING ERRCODE = 'TS001';
        END IF;
    END IF;

    -- What was unknown and is looked for again goes on counting as that; found to be so still, it counts for itself.
    IF jsonb_path_exists(r->'update', '$[*].outcome ? (@ == null || @ == "unknown")') THEN
        INSERT INTO textsender.totals AS x
        SELECT coalesce(d.sender, ''), coalesce(d.region, ''), 'unknown', textsender.step_of(d.ms),
               sum(u.sign), sum(u.sign * coalesce(d.segments, 0)), sum(u.sign * coalesce(d.ms, 0))
        FROM (SELECT p.seq, p.outcome, CASE WHEN p.outcome IS NULL THEN 1 ELSE -1 END AS sign
              FROM jsonb_to_recordset(r->'update') AS p(seq bigint, outcome text)) u
        JOIN textsender.decisions d ON d.seq = u.seq
        WHERE NOT d.replayed AND (d.outcome = 'unknown' AND u.outcome IS NULL
              OR d.outcome IS NULL AND d.looked_at IS NOT NULL AND u.outcome = 'unknown')
        GROUP BY 1, 2, 3, 4
        ON CONFLICT (sender, region, outcome, step) DO UPDATE
        SET messages = x.messages + excluded.messages, segments = x.segments + excluded.segments,
            ms = x.ms + excluded.ms;
    END IF;

    IF jsonb_array_length(r->'update') > 0 THEN
        UPDATE textsender.decisions d
        SET v = version, live = u.live, tag = u.tag, owner = u.owner, lease = u.lease,
            epoch = coalesce(u.epoch, base.epoch), places = u.places, sent_to = u.sent_to, outcome = u.outcome,
            code = u.code, sender = u.sender, provider_id = u.provider_id, attempts = u.attempts,
            reasons = u.reasons, ms = u.ms, response = u.response, replayed = u.replayed,
            looked_at = u.looked_at, used_at = u.used_at, delivery = u.delivery, delivery_at = u.delivery_at
        FROM jsonb_populate_recordset(NULL::textsender.decisions, r->'update') u
        WHERE d.seq = u.seq;
    END IF;

    IF jsonb_array_length(r->'put_windows') > 0 THEN
        -- A window that was not there could not be locked: another step may have made it since. One that is gone, and in
        -- which nothing more is counted, stays so.
        WITH put AS (
            SELECT p.*,
                p.key IN (SELECT e.k FROM jsonb_to_recordset(r->'windows') AS e(k text, v bigint) WHERE e.v > 0) AS is_there
            FROM jsonb_to_recordset(r->'put_windows') AS p(key text, until bigint, events text)
        ), made AS (
            INSERT INTO textsender.windows (key, v, until, events)
            SELECT p.key, version, p.until, p.events FROM put p WHERE NOT p.is_there AND p.until IS NOT NULL ORDER BY p.key
            ON CONFLICT (key) DO NOTHING
            RETURNING 1
        ), changed AS (
            UPDATE textsender.windows w SET v = version, events = p.events, until = coalesce(p.until, w.until)
            FROM put p WHERE p.is_there AND w.key = p.key
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM put p WHERE p.is_there OR p.until IS NOT NULL)
            - (SELECT count(*) FROM made) - (SELECT count(*) FROM changed) INTO written;
        IF written <> 0 THEN
            RAISE EXCEPTION 'another made a window first' USING ERRCODE = 'TS001';
        END IF;
    END IF;

    IF jsonb_array_length(r->'put_senders') > 0 THEN
        INSERT INTO textsender.senders AS s
        SELECT p.sender, version, p.failures, p.reason, p.failed_at, p.trial_at, p.wait_until, p.doubts, p.unsealed
        FROM jsonb_populate_recordset(NULL::textsender.senders, r->'put_senders') p
        ORDER BY p.sender
        ON CONFLICT (sender) DO UPDATE
        SET v = version, failures = excluded.failures, reason = excluded.reason,
            failed_at = excluded.failed_at, trial_at = excluded.trial_at, wait_until = excluded.wait_until,
            doubts = excluded.doubts, unsealed = excluded.unsealed
        WHERE (s.sender, s.v) IN (SELECT e.k, e.v FROM jsonb_to_recordset(r->'senders') AS e(k text, v bigint));
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> jsonb_array_length(r->'put_senders') THEN
            RAISE EXCEPTION 'another wrote of a sender first' USING ERRCODE = 'TS001';
        END IF;
    END IF;

    IF jsonb_typeof(r->'put_pauses') = 'object' THEN
        INSERT INTO textsender.meta VALUES ('pauses', r->'put_pauses'->>'value')
        ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    END IF;

    INSERT INTO textsender.steps AS s (owner, step, node, at)
    VALUES (process, number, r->>'node', textsender.now_ms())
    ON CONFLICT (owner) DO UPDATE SET step = excluded.step, at = excluded.at;
    RETURN json_build_object('version', version, 'now', textsender.now_ms(), 'epoch', textsender.epoch())::text;
END
$$;

-- Deletes what is old, a little at a time and at most once a minute for all machines; returns the open
-- claims whose time is up.
CREATE FUNCTION textsender.tidy_1(at bigint, retention bigint, is_forced boolean) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t    bigint := coalesce(tidy_1.at, textsender.now_ms());
    last bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('tidy', 2)) THEN
        RETURN '[]';
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT value::bigint INTO last FROM textsender.meta WHERE name = 'tidied_at';
    IF last IS NOT NULL AND t - last BETWEEN 0 AND 59999 AND NOT is_forced THEN
        RETURN '[]';
    END IF;
    INSERT INTO textsender.meta VALUES ('tidied_at', t::text)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    UPDATE textsender.decisions d SET tag = NULL, v = nextval('textsender.versions')
    WHERE d.seq IN (SELECT seq FROM textsender.decisions WHERE tag IS NOT NULL AND expires <= t
                    ORDER BY expires LIMIT 10000 FOR UPDATE SKIP LOCKED);
    WITH gone AS (
        DELETE FROM textsender.decisions d
        WHERE d.seq IN (SELECT seq FROM textsender.decisions o
                        WHERE o.at < t - retention AND o.outcome IS NOT NULL AND coalesce(o.expires, 0) <= t
                        ORDER BY o.at LIMIT 10000 FOR UPDATE SKIP LOCKED)
        RETURNING d.*)
    INSERT INTO textsender.totals AS s
    SELECT coalesce(g.sender, ''), coalesce(g.region, ''), g.outcome, textsender.step_of(g.ms), count(*),
           coalesce(sum(g.segments), 0), coalesce(sum(g.ms), 0)
    FROM gone g WHERE NOT g.replayed GROUP BY 1, 2, 3, 4
    ON CONFLICT (sender, region, outcome, step) DO UPDATE
    SET messages = s.messages + excluded.messages, segments = s.segments + excluded.segments,
        ms = s.ms + excluded.ms;
    DELETE FROM textsender.windows w
    WHERE w.key IN (SELECT key FROM textsender.windows WHERE until <= t LIMIT 10000 FOR UPDATE SKIP LOCKED);
    DELETE FROM textsender.steps s
    WHERE s.owner IN (SELECT owner FROM textsender.steps o WHERE o.at < textsender.now_ms() - 86400000
                      LIMIT 10000 FOR UPDATE SKIP LOCKED);
    RETURN (SELECT coalesce(json_agg(d), '[]')::text FROM (
        SELECT * FROM textsender.decisions o
        WHERE o.outcome IS NULL AND o.lease <= t ORDER BY o.lease LIMIT 256) d);
END
$$;

-- Takes out of every decision about a person what leads there.
CREATE FUNCTION textsender.erase_1(wanted text, is_user boolean, until bigint) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    erased bigint;
    kept   bigint;
BEGIN
    UPDATE textsender.decisions d
    SET recipient = NULL, recipient_hash = NULL, prefix_hash = NULL, user_hash = NULL, source_hash = NULL,
        content = NULL,
        tag = NULL, provider_id = NULL, response = NULL, reasons = NULL, live = false,
        v = nextval('textsender.versions')
    WHERE CASE WHEN is_user THEN d.user_hash ELSE d.recipient_hash END = wanted
      AND d.at < until AND d.outcome IS NOT NULL;
    GET DIAGNOSTICS erased = ROW_COUNT;
    SELECT count(*) INTO kept FROM textsender.decisions d
    WHERE CASE WHEN is_user THEN d.user_hash ELSE d.recipient_hash END = wanted;
    RETURN ARRAY[erased, kept];
END
$$;

INSERT INTO textsender.meta VALUES ('schema', '1');

REVOKE ALL ON SCHEMA textsender FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA textsender FROM PUBLIC;
