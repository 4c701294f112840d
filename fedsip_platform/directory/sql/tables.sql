-- Tables that no Django model needs: they belong to the conversation with the proxies.

CREATE TABLE directory_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL CHECK (kind IN ('domain', 'subscriber', 'translation', 'binding')),
    row_id bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX directory_change_by_xid ON directory_change (xid);
CREATE INDEX directory_change_by_age ON directory_change USING brin (changed_at);

-- One row: what has been pruned.
CREATE TABLE directory_change_horizon (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    xid xid8 NOT NULL DEFAULT '0'
);
INSERT INTO directory_change_horizon DEFAULT VALUES;

ALTER TABLE location_binding ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX location_binding_by_xid ON location_binding (xid);
CREATE INDEX location_binding_by_expiry ON location_binding (expires_at) WHERE NOT deleted;
