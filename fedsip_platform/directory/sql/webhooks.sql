-- The outbox of webhooks: what happened becomes deliveries in the same transaction. Where no webhook
-- is enabled this costs one look at an empty table for each statement, not for each row.

CREATE FUNCTION webhook_registrations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM webhooks_webhook WHERE enabled) THEN RETURN NULL; END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO webhooks_delivery (webhook_id, event, body)
        SELECT w.id, 'registration.added', webhook_registration(n)
        FROM new_rows n JOIN directory_domain d ON d.id = n.domain_id
        JOIN webhooks_webhook w ON w.tenant_id = d.tenant_id
            AND w.enabled AND 'registration.added' = ANY (w.events)
        WHERE NOT n.deleted;
    ELSE
        INSERT INTO webhooks_delivery (webhook_id, event, body)
        SELECT w.id, e.event, webhook_registration(n)
        FROM new_rows n JOIN old_rows o ON o.binding_id = n.binding_id AND o.deleted <> n.deleted
        JOIN directory_domain d ON d.id = n.domain_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN n.deleted THEN 'registration.ended' ELSE 'registration.added' END
        ) AS e (event)
        JOIN webhooks_webhook w ON w.tenant_id = d.tenant_id
            AND w.enabled AND e.event = ANY (w.events);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION webhook_registration(b location_binding) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'id', b.binding_id, 'address', b.aor, 'contact', b.contact, 'user_agent', b.user_agent,
        'protocol', b.protocol, 'received', b.received, 'expires_at', b.expires_at)
$$;

CREATE TRIGGER binding_added_told AFTER INSERT ON location_binding REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhook_registrations();
CREATE TRIGGER binding_changed_told AFTER UPDATE ON location_binding
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhook_registrations();

-- Both of calls' tables become the same body: to_jsonb gives what the table has.
CREATE FUNCTION webhook_call(c jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object(
        'id', c->'public_id', 'call_id', c->'call_id', 'caller', c->'caller',
        'callee', c->'callee', 'request_uri', c->'request_uri', 'started_at', c->'started_at',
        'answered_at', c->'answered_at', 'ended_at', c->'ended_at', 'status', c->'status',
        'reason', c->'reason', 'ended_by', c->'ended_by')
$$;

CREATE FUNCTION webhook_live_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM webhooks_webhook WHERE enabled) THEN RETURN NULL; END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO webhooks_delivery (webhook_id, event, body)
        SELECT w.id, e.event, webhook_call(to_jsonb(n))
        FROM new_rows n
        CROSS JOIN LATERAL (VALUES ('call.started'), ('call.answered')) AS e (event)
        JOIN webhooks_webhook w ON w.tenant_id = n.tenant_id
            AND w.enabled AND e.event = ANY (w.events)
        WHERE e.event = 'call.started' OR n.answered_at IS NOT NULL;
    ELSE
        INSERT INTO webhooks_delivery (webhook_id, event, body)
        SELECT w.id, 'call.answered', webhook_call(to_jsonb(n))
        FROM new_rows n JOIN old_rows o ON o.public_id = n.public_id
            AND o.answered_at IS NULL AND n.answered_at IS NOT NULL
        JOIN webhooks_webhook w ON w.tenant_id = n.tenant_id
            AND w.enabled AND 'call.answered' = ANY (w.events);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER live_call_added_told AFTER INSERT ON calls_livecall REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhook_live_calls();
CREATE TRIGGER live_call_changed_told AFTER UPDATE ON calls_livecall
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhook_live_calls();

CREATE FUNCTION webhook_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM webhooks_webhook WHERE enabled) THEN RETURN NULL; END IF;
    INSERT INTO webhooks_delivery (webhook_id, event, body)
    SELECT w.id, 'call.ended', webhook_call(to_jsonb(n))
    FROM new_rows n JOIN webhooks_webhook w ON w.tenant_id = n.tenant_id
        AND w.enabled AND 'call.ended' = ANY (w.events);
    RETURN NULL;
END $$;

CREATE TRIGGER call_ended_told AFTER INSERT ON calls_callrecord REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhook_calls();
