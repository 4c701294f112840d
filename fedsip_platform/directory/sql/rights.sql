-- With what rights the platform's own sessions work: those of the role fedsip_app, which may read and
-- write every table, and add to the audit log but not change it. Whoever owns the tables takes the
-- role off by SET ROLE NONE, as migrations do. A user of somebody else's PostgreSQL who may not make
-- roles goes on as the tables' owner; the triggers of the audit log hold there as well.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fedsip_app') THEN
        IF NOT (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) THEN
            RETURN;
        END IF;
        BEGIN
            CREATE ROLE fedsip_app NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database of this server is being made ready
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'fedsip_app', 'MEMBER') THEN
        BEGIN
            EXECUTE format('GRANT fedsip_app TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            RETURN;
        END;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO fedsip_app', current_schema());
    EXECUTE format(
        'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO fedsip_app',
        current_schema()
    );
    EXECUTE format(
        'GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA %I TO fedsip_app', current_schema()
    );
    REVOKE UPDATE, DELETE ON audit_entry FROM fedsip_app;
    EXECUTE format(
        'ALTER ROLE %I IN DATABASE %I SET role = fedsip_app', current_user, current_database()
    );
END $$;
