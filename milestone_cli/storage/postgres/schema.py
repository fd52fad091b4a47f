"""The tables and functions of a store in a database, as named and ordered migrations.

Several projects live in one database, apart by the number that every key begins with. What is appended is composed and
chained in the database, under the row of its log: so one round trip logs an event, and two save a state. Three locks of
the server's kind, all given back with the transaction that took them:

- FREEZE: every writer shares it, `store freeze` takes it alone, so no write is under way when it answers.
- GATE: one transaction of several documents at a time.
- NAME: one change of a state at a time; who holds a lease changes it only under this.
"""

TABLES = """
CREATE SCHEMA milestone;
REVOKE ALL ON SCHEMA milestone FROM PUBLIC;

CREATE TABLE milestone.migration (
    version int PRIMARY KEY, name text NOT NULL, done_at timestamptz NOT NULL DEFAULT clock_timestamp());

CREATE TABLE milestone.project (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    frozen text,
    moved text);

-- A state's envelope, a session, a checkpoint, …: the bytes as a file would have them.
CREATE TABLE milestone.document (
    project int NOT NULL REFERENCES milestone.project,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    data bytea NOT NULL,
    written bigint NOT NULL,
    PRIMARY KEY (project, kind, key));

-- A log and its head; the names are those of a head beside a log of files.
CREATE TABLE milestone.stream (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project int NOT NULL REFERENCES milestone.project,
    name text COLLATE "C" NOT NULL,
    size bigint NOT NULL DEFAULT 0,
    torn boolean NOT NULL DEFAULT false,
    sequence bigint NOT NULL DEFAULT 0,
    checksum text NOT NULL DEFAULT repeat('0', 64),
    time bigint NOT NULL DEFAULT 0,
    revision bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT '',
    base bigint NOT NULL DEFAULT 0,
    base_sequence bigint NOT NULL DEFAULT 0,
    spliced bigint NOT NULL DEFAULT 0,
    keys bigint NOT NULL DEFAULT 0,
    UNIQUE (project, name));

-- A line of a log, line feed and all, and the offset in bytes at which it would stand in a file.
CREATE TABLE milestone.line (
    stream bigint NOT NULL REFERENCES milestone.stream,
    at bigint NOT NULL,
    time bigint,
    state bigint,
    base bigint,
    data bytea NOT NULL,
    PRIMARY KEY (stream, at));
CREATE INDEX line_time ON milestone.line (stream, time, at) WHERE time IS NOT NULL;
CREATE INDEX line_state ON milestone.line (stream, state, at) WHERE state IS NOT NULL;

CREATE TABLE milestone.once (
    stream bigint NOT NULL REFERENCES milestone.stream,
    key bytea NOT NULL,
    request text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (stream, key));

CREATE TABLE milestone.lease (
    project int NOT NULL REFERENCES milestone.project,
    name text COLLATE "C" NOT NULL,
    fence bigint NOT NULL,
    token text NOT NULL,
    kind text NOT NULL,
    host text NOT NULL,
    boot text NOT NULL,
    space text NOT NULL,
    pid bigint NOT NULL,
    start text NOT NULL,
    request text NOT NULL DEFAULT '',
    acquired timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (project, name));
"""

FUNCTIONS = """
CREATE FUNCTION milestone.now_ns() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 $$;

CREATE FUNCTION milestone.stamp(ns bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT to_char(timestamp '1970-01-01' + (ns / 1000) * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- What every command asks first.
CREATE FUNCTION milestone.hello(p_project text)
RETURNS TABLE (version int, project int, frozen text, moved text, clock bigint, config bigint, config_size int)
LANGUAGE sql STABLE AS $$
    SELECT (SELECT max(m.version) FROM milestone.migration m), p.id, p.frozen, p.moved,
           (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000, d.written, length(d.data)
    FROM (SELECT 1) one
    LEFT JOIN milestone.project p ON p.name = p_project
    LEFT JOIN milestone.document d ON d.project = p.id AND d.kind = 'config' AND d.key = '' $$;

-- What every writer does first: patience for locks, an end for those who vanish, and the marks.
CREATE FUNCTION milestone.enter(p_project int, p_wait_ms bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    mark record;
BEGIN
    PERFORM set_config('lock_timeout', greatest(1, p_wait_ms)::text, true),
            set_config('idle_in_transaction_session_timeout', '10000', true);
    PERFORM pg_advisory_xact_lock_shared(1836674149, p_project);
    SELECT frozen, moved INTO mark FROM milestone.project WHERE id = p_project;
    IF mark.moved IS NOT NULL THEN
        RAISE EXCEPTION 'moved' USING ERRCODE = 'MS001', DETAIL = mark.moved;
    ELSIF mark.frozen IS NOT NULL THEN
        RAISE EXCEPTION 'frozen' USING ERRCODE = 'MS002', DETAIL = mark.frozen;
    END IF;
END $$;

CREATE FUNCTION milestone.lock_name(p_project int, p_name text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(p_project || ':' || p_name, 1836674149)) $$;

-- The row of a log, locked; made when it is missing. Two names that differ in case alone are refused.
CREATE FUNCTION milestone.open_stream(p_project int, p_name text) RETURNS milestone.stream LANGUAGE plpgsql AS $$
DECLARE
    s milestone.stream;
    twin text;
BEGIN
    SELECT * INTO s FROM milestone.stream WHERE project = p_project AND name = p_name FOR UPDATE;
    IF NOT FOUND THEN
        SELECT name INTO twin FROM milestone.stream
            WHERE project = p_project AND lower(name) = lower(p_name) AND name <> p_name LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'twin' USING ERRCODE = 'MS003', DETAIL = twin;
        END IF;
        INSERT INTO milestone.stream (project, name) VALUES (p_project, p_name) ON CONFLICT DO NOTHING;
        SELECT * INTO s FROM milestone.stream WHERE project = p_project AND name = p_name FOR UPDATE;
    END IF;
    RETURN s;
END $$;

-- The line that an idempotency key has; none when it is new. Another request under it is refused.
CREATE FUNCTION milestone.known(p_stream bigint, p_key bytea, p_request text) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    o milestone.once;
BEGIN
    SELECT * INTO o FROM milestone.once WHERE stream = p_stream AND key = p_key;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF o.request <> p_request THEN
        RAISE EXCEPTION 'key' USING ERRCODE = 'MS004';
    END IF;
    RETURN (SELECT data FROM milestone.line WHERE stream = p_stream AND at = o.at);
END $$;

-- The line of an event since a time: how a repeated request finds what its first try has done.
CREATE FUNCTION milestone.find_event(p_stream bigint, p_event text, p_since bigint) RETURNS bytea LANGUAGE sql AS $$
    SELECT data FROM milestone.line WHERE stream = p_stream AND time >= p_since
        AND position(convert_to('"event_id":"' || p_event || '"', 'UTF8') IN data) > 0
    ORDER BY time, at LIMIT 1 $$;

-- Append lines: each comes as the bytes between its timestamp and its revision. The first `p_before` of them say what
-- came before; then, where there is one, the line of a new state.
CREATE FUNCTION milestone.append(
    s milestone.stream, p_lines bytea[], p_key bytea, p_request text,
    p_before int, p_revision bigint, p_state text, p_base bigint, p_spliced bigint)
RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    body bytea;
    line bytea;
    is_state boolean;
BEGIN
    s.time := greatest(s.time, milestone.now_ns());
    IF s.torn THEN  -- what was copied ended inside a line, which stays alone
        INSERT INTO milestone.line (stream, at, data) VALUES (s.id, s.size, E'\\\\x0a');
        s.size := s.size + 1;
        s.torn := false;
    END IF;
    FOR i IN 1 .. cardinality(p_lines) LOOP
        s.sequence := s.sequence + 1;
        is_state := i = p_before + 1 AND p_revision IS NOT NULL;
        IF is_state THEN
            s.revision := p_revision;
            s.state := p_state;
            s.base := p_base;
            s.spliced := p_spliced;
            IF p_base = p_revision THEN
                s.base_sequence := s.sequence;
            END IF;
        END IF;
        body := convert_to('{"timestamp":"' || milestone.stamp(s.time), 'UTF8') || p_lines[i]
            || convert_to(',"revision":' || s.revision || ',"sequence_number":' || s.sequence, 'UTF8');
        s.checksum := encode(sha256(convert_to(s.checksum, 'UTF8') || body), 'hex');
        line := body || convert_to(',"checksum":"' || s.checksum || E'"}\\n', 'UTF8');
        INSERT INTO milestone.line (stream, at, time, state, base, data)
            VALUES (s.id, s.size, s.time, CASE WHEN is_state THEN s.revision END,
                    CASE WHEN is_state THEN s.base END, line);
        IF i = cardinality(p_lines) AND p_key IS NOT NULL THEN
            INSERT INTO milestone.once (stream, key, request, at) VALUES (s.id, p_key, p_request, s.size);
            s.keys := s.keys + 1;
        END IF;
        s.size := s.size + length(line);
    END LOOP;
    UPDATE milestone.stream SET
        size = s.size, torn = s.torn, sequence = s.sequence, checksum = s.checksum, time = s.time,
        revision = s.revision, state = s.state, base = s.base, base_sequence = s.base_sequence,
        spliced = s.spliced, keys = s.keys
        WHERE id = s.id;
    PERFORM pg_notify('milestone_' || s.project, s.name || ':' || s.sequence);
    RETURN line;
END $$;

-- Log events: one statement, one round trip. `known` holds the line of the same request when it was done before,
-- `mine` when an earlier try of this very call has done it.
CREATE FUNCTION milestone.log(
    p_project int, p_name text, p_lines bytea[], p_key bytea, p_request text, p_event text, p_since bigint,
    p_wait_ms bigint)
RETURNS TABLE (known bytea, mine bytea, line bytea, state text) LANGUAGE plpgsql AS $$
DECLARE
    s milestone.stream;
BEGIN
    PERFORM milestone.enter(p_project, p_wait_ms);
    s := milestone.open_stream(p_project, p_name);
    mine := milestone.find_event(s.id, p_event, p_since);
    IF mine IS NULL AND p_key IS NOT NULL THEN
        known := milestone.known(s.id, p_key, p_request);
    END IF;
    IF mine IS NULL AND known IS NULL THEN
        line := milestone.append(s, p_lines, p_key, p_request, 0, NULL, NULL, NULL, NULL);
    END IF;
    state := s.state;
    RETURN NEXT;
END $$;

-- Begin to change a state: its name's lock, its log's row, and everything that is needed to decide.
CREATE FUNCTION milestone.begin_change(
    p_project int, p_name text, p_key bytea, p_request text, p_event text, p_since bigint, p_wait_ms bigint)
RETURNS TABLE (
    stream bigint, sequence bigint, checksum text, size bigint, "time" bigint, revision bigint, state text, base bigint,
    base_sequence bigint, spliced bigint, known bytea, mine bytea, clock bigint, active bytea, completed boolean)
LANGUAGE plpgsql AS $$
DECLARE
    s milestone.stream;
BEGIN
    PERFORM milestone.enter(p_project, p_wait_ms);
    PERFORM milestone.lock_name(p_project, p_name);
    s := milestone.open_stream(p_project, p_name);
    IF p_event <> '' THEN
        mine := milestone.find_event(s.id, p_event, p_since);
    END IF;
    IF p_key IS NOT NULL AND mine IS NULL THEN
        known := milestone.known(s.id, p_key, p_request);
    END IF;
    stream := s.id; sequence := s.sequence; checksum := s.checksum; size := s.size; time := s.time;
    revision := s.revision; state := s.state; base := s.base; base_sequence := s.base_sequence; spliced := s.spliced;
    clock := milestone.now_ns();
    active := (SELECT d.data FROM milestone.document d
        WHERE d.project = p_project AND d.kind = 'active' AND d.key = p_name);
    completed := EXISTS (SELECT FROM milestone.document d
        WHERE d.project = p_project AND d.kind = 'completed' AND d.key = p_name);
    RETURN NEXT;
END $$;

CREATE FUNCTION milestone.put(p_project int, p_kind text, p_key text, p_data bytea) RETURNS void LANGUAGE sql AS $$
    INSERT INTO milestone.document (project, kind, key, data, written)
        VALUES (p_project, p_kind, p_key, p_data, milestone.now_ns())
        ON CONFLICT (project, kind, key) DO UPDATE SET data = excluded.data, written = excluded.written $$;

-- Put a new state in place of the old one, which stays as a backup, and log its event.
CREATE FUNCTION milestone.save(
    p_stream bigint, p_backup text, p_envelope bytea, p_lines bytea[], p_key bytea, p_request text, p_before int,
    p_revision bigint, p_state text, p_base bigint, p_spliced bigint)
RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    s milestone.stream;
BEGIN
    SELECT * INTO s FROM milestone.stream WHERE id = p_stream FOR UPDATE;
    IF p_backup IS NOT NULL THEN
        INSERT INTO milestone.document (project, kind, key, data, written)
            SELECT project, 'backup', p_backup, data, written FROM milestone.document
            WHERE project = s.project AND kind = 'active' AND key = s.name
            ON CONFLICT DO NOTHING;
    END IF;
    PERFORM milestone.put(s.project, 'active', s.name, p_envelope);
    RETURN milestone.append(s, p_lines, p_key, p_request, p_before, p_revision, p_state, p_base, p_spliced);
END $$;

-- Begin to change a lease, which may be done on a frozen store too.
CREATE FUNCTION milestone.begin_lease(p_project int, p_name text, p_wait_ms bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', greatest(1, p_wait_ms)::text, true),
            set_config('idle_in_transaction_session_timeout', '10000', true);
    PERFORM milestone.lock_name(p_project, p_name);
END $$;

-- Begin to change several documents: one such transaction at a time, under the locks of some names.
CREATE FUNCTION milestone.begin_transaction(p_project int, p_names text[], p_wait_ms bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    one text;
BEGIN
    PERFORM milestone.enter(p_project, p_wait_ms);
    PERFORM pg_advisory_xact_lock(1836674150, p_project);
    FOREACH one IN ARRAY p_names LOOP
        PERFORM milestone.lock_name(p_project, one);
    END LOOP;
END $$;
"""

GRANTS = {
    "reader": (
        "GRANT USAGE ON SCHEMA milestone TO {role}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA milestone TO {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA milestone TO {role}",
    ),
    # A log is only ever appended to, or trimmed by `milestone.trim`, and migrations are for whoever owns the schema.
    "writer": (
        "GRANT USAGE ON SCHEMA milestone TO {role}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA milestone TO {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA milestone TO {role}",
        "GRANT INSERT, UPDATE, DELETE ON milestone.document, milestone.lease TO {role}",
        "GRANT INSERT, UPDATE ON milestone.stream TO {role}",
        "GRANT INSERT ON milestone.line, milestone.once, milestone.project TO {role}",
        "GRANT UPDATE (frozen, moved) ON milestone.project TO {role}",
    ),
}

TRIMMING = """
-- What is left of the line of an idempotency key when retention has removed it: what its receipt says.
ALTER TABLE milestone.once ADD COLUMN stub bytea;

CREATE OR REPLACE FUNCTION milestone.known(p_stream bigint, p_key bytea, p_request text) RETURNS bytea
LANGUAGE plpgsql AS $$
DECLARE
    o milestone.once;
BEGIN
    SELECT * INTO o FROM milestone.once WHERE stream = p_stream AND key = p_key;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF o.request <> p_request THEN
        RAISE EXCEPTION 'key' USING ERRCODE = 'MS004';
    END IF;
    RETURN coalesce((SELECT data FROM milestone.line WHERE stream = p_stream AND at = o.at), o.stub);
END $$;

-- Remove the lines of a log that are before its origin, which has just been put: whoever may write may do this, since
-- what proves the rest stays.
CREATE FUNCTION milestone.trim(p_project int, p_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s bigint;
    cut bigint;
BEGIN
    SELECT id INTO s FROM milestone.stream WHERE project = p_project AND name = p_name FOR UPDATE;
    SELECT (convert_from(data, 'UTF8')::json ->> 'end')::bigint INTO cut FROM milestone.document
        WHERE project = p_project AND kind = 'origin' AND key = p_name;
    UPDATE milestone.once o SET stub = convert_to(json_build_object(
            'event_id', line ->> 'event_id', 'timestamp', line ->> 'timestamp',
            'revision', (line ->> 'revision')::bigint, 'sequence_number', (line ->> 'sequence_number')::bigint,
            'data', json_build_object('sha256', coalesce(line -> 'data' ->> 'sha256', '')))::text, 'UTF8')
        FROM (SELECT l.at, convert_from(l.data, 'UTF8')::json AS line FROM milestone.line l
              JOIN milestone.once k ON k.stream = l.stream AND k.at = l.at
              WHERE l.stream = s AND l.at < cut) old
        WHERE o.stream = s AND o.at = old.at;
    DELETE FROM milestone.line WHERE stream = s AND at < cut;
END $$;
"""

MIGRATIONS: "tuple[tuple[int, str, str], ...]" = (
    (1, "tables and functions", TABLES + FUNCTIONS),
    (2, "the oldest events of a log can be removed", TRIMMING),
)
"""Number, name and statements of each step from one schema to the next, in order."""
