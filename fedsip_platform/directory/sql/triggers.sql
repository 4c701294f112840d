-- Every change of the directory leaves rows in directory_change and rings the doorbell once for
-- each statement, however many rows it touched: an import of 100,000 users is one INSERT here.
-- The reader's truth is directory_change by watermark; a lost doorbell only costs its poll.

CREATE FUNCTION directory_note_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO directory_change (kind, row_id) SELECT TG_ARGV[0], id FROM new_rows;
    IF FOUND THEN PERFORM pg_notify('fedsip_directory', ''); END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION directory_note_old() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO directory_change (kind, row_id) SELECT TG_ARGV[0], id FROM old_rows;
    IF FOUND THEN PERFORM pg_notify('fedsip_directory', ''); END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER domain_added AFTER INSERT ON directory_domain REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('domain');
CREATE TRIGGER domain_changed AFTER UPDATE ON directory_domain REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('domain');
CREATE TRIGGER domain_gone AFTER DELETE ON directory_domain REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('domain');

CREATE TRIGGER subscriber_added AFTER INSERT ON directory_subscriber
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('subscriber');
CREATE TRIGGER subscriber_changed AFTER UPDATE ON directory_subscriber
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('subscriber');
CREATE TRIGGER subscriber_gone AFTER DELETE ON directory_subscriber
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('subscriber');

CREATE TRIGGER translation_added AFTER INSERT ON directory_translation
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('translation');
CREATE TRIGGER translation_changed AFTER UPDATE ON directory_translation
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('translation');
CREATE TRIGGER translation_gone AFTER DELETE ON directory_translation
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('translation');

CREATE TRIGGER federation_rule_added AFTER INSERT ON federation_federationrule
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('federation_rule');
CREATE TRIGGER federation_rule_changed AFTER UPDATE ON federation_federationrule
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('federation_rule');
CREATE TRIGGER federation_rule_gone AFTER DELETE ON federation_federationrule
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('federation_rule');
CREATE TRIGGER alias_added AFTER INSERT ON routing_alias REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('alias');
CREATE TRIGGER alias_changed AFTER UPDATE ON routing_alias REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('alias');
CREATE TRIGGER alias_gone AFTER DELETE ON routing_alias REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('alias');

CREATE TRIGGER forward_added AFTER INSERT ON routing_forward REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('forward');
CREATE TRIGGER forward_changed AFTER UPDATE ON routing_forward REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('forward');
CREATE TRIGGER forward_gone AFTER DELETE ON routing_forward REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('forward');

CREATE TRIGGER ring_group_added AFTER INSERT ON routing_ringgroup REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('ring_group');
CREATE TRIGGER ring_group_changed AFTER UPDATE ON routing_ringgroup REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('ring_group');
CREATE TRIGGER ring_group_gone AFTER DELETE ON routing_ringgroup REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('ring_group');

CREATE TRIGGER trunk_added AFTER INSERT ON routing_trunk REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('trunk');
CREATE TRIGGER trunk_changed AFTER UPDATE ON routing_trunk REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('trunk');
CREATE TRIGGER trunk_gone AFTER DELETE ON routing_trunk REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('trunk');

CREATE TRIGGER gateway_added AFTER INSERT ON routing_gateway REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('gateway');
CREATE TRIGGER gateway_changed AFTER UPDATE ON routing_gateway REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('gateway');
CREATE TRIGGER gateway_gone AFTER DELETE ON routing_gateway REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('gateway');

CREATE TRIGGER outbound_policy_added AFTER INSERT ON routing_outboundpolicy REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('outbound_policy');
CREATE TRIGGER outbound_policy_changed AFTER UPDATE ON routing_outboundpolicy REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_new('outbound_policy');
CREATE TRIGGER outbound_policy_gone AFTER DELETE ON routing_outboundpolicy REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_old('outbound_policy');

-- proxy_domain shows the tenant's slug, limits and whether it is enabled: such a change is one of its
-- domains, not of their users.
CREATE FUNCTION directory_note_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO directory_change (kind, row_id)
    SELECT 'domain', d.id
    FROM new_rows n
    JOIN old_rows o ON o.id = n.id
    JOIN directory_domain d ON d.tenant_id = n.id
    WHERE (n.enabled, n.slug, n.max_calls, n.max_calls_per_second)
        IS DISTINCT FROM (o.enabled, o.slug, o.max_calls, o.max_calls_per_second);
    IF FOUND THEN PERFORM pg_notify('fedsip_directory', ''); END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tenant_changed AFTER UPDATE ON tenants_tenant
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_note_tenant();

-- HA1 is a hash over user name and domain: a renamed one would lock its phones out.
CREATE FUNCTION directory_refuse_rename() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'directory_subscriber' THEN
        RAISE EXCEPTION 'user %: user name and domain cannot change, the password hashes contain '
            'them', OLD.aor USING ERRCODE = 'restrict_violation';
    ELSIF EXISTS (SELECT FROM directory_subscriber WHERE domain_id = OLD.id) THEN
        RAISE EXCEPTION 'domain %: the name cannot change while the domain has users, their '
            'password hashes contain it', OLD.name USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER domain_renamed BEFORE UPDATE OF name ON directory_domain
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
    EXECUTE FUNCTION directory_refuse_rename();
CREATE TRIGGER subscriber_renamed BEFORE UPDATE OF username, aor, domain_id ON directory_subscriber
    FOR EACH ROW WHEN (
        (OLD.username, OLD.aor, OLD.domain_id)
        IS DISTINCT FROM (NEW.username, NEW.aor, NEW.domain_id)
    )
    EXECUTE FUNCTION directory_refuse_rename();

-- Phones of a user who was disabled or deleted, and of a deleted domain, are signed out.
CREATE FUNCTION location_sign_out() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    leaving text[];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(b.binding_id) INTO leaving
        FROM new_rows n
        JOIN old_rows o ON o.id = n.id AND o.enabled AND NOT n.enabled
        JOIN location_binding b ON b.subscriber_id = n.id AND NOT b.deleted;
    ELSIF TG_TABLE_NAME = 'directory_subscriber' THEN
        SELECT array_agg(b.binding_id) INTO leaving
        FROM old_rows o JOIN location_binding b ON b.subscriber_id = o.id AND NOT b.deleted;
    ELSE
        SELECT array_agg(b.binding_id) INTO leaving
        FROM old_rows o JOIN location_binding b ON b.domain_id = o.id AND NOT b.deleted;
    END IF;
    IF leaving IS NOT NULL THEN  -- an UPDATE of nothing would ring all the same
        UPDATE location_binding SET deleted = true, updated_at = now()
        WHERE binding_id = ANY (leaving);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER subscriber_changed_sign_out AFTER UPDATE ON directory_subscriber
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION location_sign_out();
CREATE TRIGGER subscriber_gone_sign_out AFTER DELETE ON directory_subscriber
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION location_sign_out();
CREATE TRIGGER domain_gone_sign_out AFTER DELETE ON directory_domain
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION location_sign_out();

-- Bindings: every write takes its transaction's number, by which the other nodes read it.
CREATE FUNCTION location_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.xid := pg_current_xact_id();
    RETURN NEW;
END $$;

CREATE FUNCTION location_ring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('fedsip_location', '');
    RETURN NULL;
END $$;

CREATE TRIGGER binding_stamped BEFORE INSERT OR UPDATE ON location_binding
    FOR EACH ROW EXECUTE FUNCTION location_stamp();
CREATE TRIGGER binding_written AFTER INSERT OR UPDATE ON location_binding
    FOR EACH STATEMENT EXECUTE FUNCTION location_ring();

-- The audit log: rows are added, and forgotten when they are old, by audit_forget alone; whoever
-- sets its switch by hand still deletes nothing that is younger than 30 days.
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('fedsip.audit_forget', true) = 'on' THEN
        IF OLD.at < now() - interval '30 days' THEN RETURN OLD; END IF;
    END IF;
    RAISE EXCEPTION 'the audit log cannot be changed' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- Forgets entries older than so many days, at least 30; returns how many there were.
-- It does so with its owner's rights: whoever calls it may not delete (rights.sql).
CREATE FUNCTION audit_forget(days int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    forgotten bigint;
BEGIN
    IF days < 30 THEN
        RAISE EXCEPTION 'the audit log is kept for 30 days at least';
    END IF;
    PERFORM set_config('fedsip.audit_forget', 'on', true);
    DELETE FROM audit_entry WHERE at < now() - make_interval(days => days);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    PERFORM set_config('fedsip.audit_forget', 'off', true);
    RETURN forgotten;
END $$;

-- What PostgreSQL knows of the tables that a large import fills, made anew with their owner's
-- rights: by itself it does so minutes later, and until then goes through all rows for some pages.
CREATE FUNCTION directory_analyse() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) directory_subscriber, audit_entry;
END $$;

-- Calls: live views read by transaction what is new, nodes what they are asked to do.
CREATE FUNCTION calls_ring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(TG_ARGV[0], '');
    RETURN NULL;
END $$;

CREATE TRIGGER live_call_stamped BEFORE UPDATE ON calls_livecall
    FOR EACH ROW EXECUTE FUNCTION location_stamp();
CREATE TRIGGER live_call_written AFTER INSERT OR UPDATE ON calls_livecall
    FOR EACH STATEMENT EXECUTE FUNCTION calls_ring('fedsip_live');
CREATE TRIGGER call_written AFTER INSERT ON calls_callrecord
    FOR EACH STATEMENT EXECUTE FUNCTION calls_ring('fedsip_live');
CREATE TRIGGER hang_up_wanted AFTER INSERT ON calls_hangup
    FOR EACH STATEMENT EXECUTE FUNCTION calls_ring('fedsip_hang_up');

CREATE TRIGGER block_stamped BEFORE UPDATE ON calls_blockedsource
    FOR EACH ROW EXECUTE FUNCTION location_stamp();
CREATE TRIGGER block_written AFTER INSERT OR UPDATE OR DELETE ON calls_blockedsource
    FOR EACH STATEMENT EXECUTE FUNCTION calls_ring('fedsip_block');
CREATE TRIGGER allowed_written AFTER INSERT OR UPDATE OR DELETE ON calls_allowedsource
    FOR EACH STATEMENT EXECUTE FUNCTION calls_ring('fedsip_block');
-- Once for each tenant and batch, however many guesses the batch has.
CREATE FUNCTION calls_tell_failed_sign_ins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO live_liveevent (kind, what, tenant_id)
    SELECT DISTINCT 'sign_in', 'failed', d.tenant_id
    FROM written w JOIN directory_domain d ON d.id = w.domain_id;
    RETURN NULL;
END $$;
CREATE TRIGGER failed_sign_in_added AFTER INSERT ON calls_failedsignin
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION calls_tell_failed_sign_ins();
CREATE TRIGGER failed_sign_in_repeated AFTER UPDATE ON calls_failedsignin
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION calls_tell_failed_sign_ins();

CREATE TRIGGER live_event_written AFTER INSERT ON live_liveevent
    FOR EACH STATEMENT EXECUTE FUNCTION calls_ring('fedsip_live');
