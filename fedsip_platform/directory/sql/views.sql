-- The contract between the platform and the proxies: views with these names and columns, whatever
-- becomes of the tables behind them. proxy/directory and proxy/location know nothing else.

CREATE VIEW proxy_domain AS
SELECT
    d.id AS domain_id,
    d.tenant_id,
    t.slug::text AS tenant,
    d.name::text AS name,
    d.enabled AND t.enabled AS enabled,
    d.unauthenticated,
    d.unauthenticated_calls_out,
    d.hide_users,
    d.media_policy::text AS media_policy,
    d.nat_alias_contact,
    d.nat_keepalive,
    d.require_tls,
    d.srtp::text AS srtp,
    d.federation::text AS federation,
    d.e164,
    d.e164_country::text AS e164_country,
    d.time_zone::text AS time_zone,
    d.max_contacts::int AS max_contacts,
    d.min_expires::int AS min_expires,
    d.max_expires::int AS max_expires,
    d.default_expires::int AS default_expires,
    d.trace,
    d.federation_in::text AS federation_in,
    d.stranger_methods::text AS stranger_methods,
    d.calls_in_per_domain::int AS calls_in_per_domain,
    d.calls_in_per_stranger::int AS calls_in_per_stranger,
    d.calls_out_per_domain::int AS calls_out_per_domain,
    d.calls_out_per_user::int AS calls_out_per_user,
    d.enum,
    d.codecs::text AS codecs,
    t.max_calls::int AS tenant_max_calls,
    t.max_calls_per_second::int AS tenant_max_calls_per_second
FROM directory_domain d
JOIN tenants_tenant t ON t.id = d.tenant_id
WHERE d.vouched OR d.ownership_proved_at IS NOT NULL;

-- A user of a disabled domain stays enabled here: its domain says that nobody is served.
CREATE VIEW proxy_subscriber AS
SELECT
    s.id AS subscriber_id,
    s.domain_id,
    s.aor::text AS aor,
    s.username::text AS username,
    s.ha1_md5::text AS ha1_md5,
    s.ha1_sha256::text AS ha1_sha256,
    s.enabled,
    s.display_name::text AS display_name,
    s.max_contacts::int AS max_contacts,
    s.max_calls::int AS max_calls,
    s.media_policy::text AS media_policy,
    s.srtp::text AS srtp,
    s.codecs::text AS codecs
FROM directory_subscriber s;

CREATE VIEW proxy_translation AS
SELECT
    r.id AS translation_id,
    r.domain_id,
    d.name::text AS from_domain,
    r.from_username::text AS from_username,
    r.match_user_agent::text AS match_user_agent,
    r.match_regex::text AS match_regex,
    r.request_domain::text AS request_domain,
    r.valid_from,
    r.valid_until,
    r.hours::text AS hours,
    r.priority::int AS priority,
    r.weight::int AS weight,
    r.enabled,
    r.tran_user::text AS tran_user,
    r.tran_strip::int AS tran_strip,
    r.tran_prefix::text AS tran_prefix,
    r.tran_domain::text AS tran_domain,
    r.tran_port::int AS tran_port,
    r.tran_strip_port,
    r.tran_add_header::text AS tran_add_header,
    r.tran_remove_header::text AS tran_remove_header,
    r.tran_from_user::text AS tran_from_user,
    r.tran_from_display::text AS tran_from_display,
    r.tran_trunk::text AS tran_trunk
FROM directory_translation r
JOIN directory_domain d ON d.id = r.domain_id;

CREATE VIEW proxy_federation_rule AS
SELECT
    r.id AS rule_id,
    r.domain_id,
    r.pattern::text AS pattern,
    r.direction::text AS direction,
    r.allow,
    r.verified,
    r.trusted,
    r.enabled
FROM federation_federationrule r;

-- Updatable: INSERT ... ON CONFLICT (domain_id, peer, direction, why, day) works.
CREATE VIEW proxy_refusal AS
SELECT domain_id, peer, direction, why, day, amount, last_at FROM federation_refusal;

CREATE VIEW proxy_alias AS
SELECT
    a.id AS alias_id,
    a.name::text || '@' || d.name::text AS aor,
    a.target::text AS target
FROM routing_alias a
JOIN directory_domain d ON d.id = a.domain_id
WHERE a.enabled;

CREATE VIEW proxy_forward AS
SELECT
    f.id AS forward_id,
    s.aor::text AS aor,
    f.condition::text AS condition,
    f.target::text AS target,
    f.ring_seconds::int AS ring_seconds
FROM routing_forward f
JOIN directory_subscriber s ON s.id = f.user_id
WHERE f.enabled;

CREATE VIEW proxy_ring_group AS
SELECT
    g.id AS ring_group_id,
    g.name::text || '@' || d.name::text AS aor,
    g.strategy::text AS strategy,
    g.members::text[] AS members,
    g.ring_seconds::int AS ring_seconds,
    g.fallback::text AS fallback
FROM routing_ringgroup g
JOIN directory_domain d ON d.id = g.domain_id
WHERE g.enabled;

CREATE VIEW proxy_trunk AS
SELECT
    k.id AS trunk_id,
    k.domain_id,
    k.name::text AS name,
    k.inbound_addresses::text[] AS inbound_addresses,
    k.inbound_tls_name::text AS inbound_tls_name,
    k.options_seconds::int AS options_seconds,
    k.account::text AS account,
    k.sealed_password::text AS sealed_password,
    k.registers
FROM routing_trunk k
WHERE k.enabled;

CREATE VIEW proxy_gateway AS
SELECT
    g.id AS gateway_id,
    g.trunk_id,
    g.host::text AS host,
    g.port::int AS port,
    g.transport::text AS transport,
    g.priority::int AS priority,
    g.weight::int AS weight
FROM routing_gateway g
WHERE g.enabled;

CREATE VIEW proxy_outbound_policy AS
SELECT
    p.id AS policy_id,
    p.domain_id,
    s.aor::text AS aor,
    p.caller_id::text AS caller_id,
    p.caller_name::text AS caller_name,
    p.classes::text[] AS classes,
    p.allow_regex::text AS allow_regex,
    p.deny_regex::text AS deny_regex
FROM routing_outboundpolicy p
LEFT JOIN directory_subscriber s ON s.id = p.user_id;

-- Updatable: each proxy writes how it finds the gateways, ON CONFLICT (node_id, gateway_id).
CREATE VIEW proxy_gateway_health AS
SELECT node_id, gateway_id, is_alive, status, round_trip_ms, checked_at, changed_at
FROM routing_gatewayhealth;

-- Updatable: each proxy writes how its registrations with carriers stand, ON CONFLICT (node_id, gateway_id).
CREATE VIEW proxy_gateway_registration AS
SELECT node_id, gateway_id, status, reason, until, checked_at, changed_at
FROM routing_gatewayregistration;

-- What changed in the views above that proxies keep in memory. A row that is named here and absent there was deleted.
CREATE VIEW proxy_change AS
SELECT change_id, xid, kind, row_id FROM directory_change;

-- Changes of transactions before this one have been pruned: a reader whose watermark is smaller
-- reloads everything. Zero after the database was moved to another cluster, whose transactions
-- count anew.
CREATE VIEW proxy_watermark AS
SELECT
    CASE
        WHEN xid > pg_snapshot_xmax(pg_current_snapshot()) THEN '0'::xid8
        ELSE xid
    END AS xid
FROM directory_change_horizon;

-- Updatable: INSERT ... ON CONFLICT (binding_id), UPDATE and DELETE work. `xid` is set by a trigger.
CREATE VIEW proxy_binding AS
SELECT
    binding_id, aor, domain_id, subscriber_id, contact, contact_key, instance, reg_id, q,
    expires_at, path, flow_token, node_id, protocol, received, nat, family, call_id, cseq,
    user_agent, methods, gruu, registered_at, updated_at, deleted, xid
FROM location_binding;

-- Updatable: each proxy writes its own row as heartbeat.
CREATE VIEW proxy_node AS
SELECT
    node_id, started_at, seen_at, version, address, flows, bindings, calls, lost_calls, relays,
    listeners, tenants, users
FROM calls_node;

-- Insertable: one row for each call that has ended, under the public id that it had as a live one.
CREATE VIEW proxy_call AS
SELECT
    public_id, call_id, tenant_id, domain_id, caller, callee, request_uri, target, caller_address,
    hop, started_at, ringing_at, answered_at, ended_at, status, reason, ended_by, node_id, relay_id,
    user_agent, rule_id, codec, mos, media, verdict, verdict_text, attestation, hops,
    policies
FROM calls_callrecord;

-- Updatable: the calls that go on, each written by its node.
CREATE VIEW proxy_live_call AS
SELECT
    public_id, call_id, tenant_id, domain_id, caller, callee, request_uri, target, caller_address,
    hop, started_at, ringing_at, answered_at, node_id, relay_id, user_agent, rule_id, dialog,
    hops, policies
FROM calls_livecall;

-- Updatable: calls that somebody wants to end. A proxy marks its own as done.
CREATE VIEW proxy_hang_up AS
SELECT id AS hang_up_id, public_id, node_id, done_at, outcome
FROM calls_hangup;

-- Insertable: messages of calls, several of one call in a row (proxy/observe/message_frames.py).
CREATE VIEW proxy_message AS
SELECT call_id, tenant_id, domain_id, node_id, at, flows, messages
FROM calls_keptmessages;

-- Updatable: who is ignored until when; a row that was lifted stays until it is forgotten.
CREATE VIEW proxy_block AS
SELECT
    id AS block_id, address, node_id, reason, evidence, hits, first_seen_at, last_seen_at,
    blocked_until, lifted_at, xid
FROM calls_blockedsource;

-- Networks that nothing blocks.
CREATE VIEW proxy_allowed_source AS
SELECT network::text AS network FROM calls_allowedsource;

-- Updatable: attempts are added up by INSERT ... ON CONFLICT (aor, address, hour).
CREATE VIEW proxy_failed_sign_in AS
SELECT domain_id, aor, address, hour, attempts, user_agent, last_at
FROM calls_failedsignin;
