-- Takes away what views.sql and triggers.sql make, for the migration that makes them anew.

DROP VIEW IF EXISTS
    proxy_domain, proxy_subscriber, proxy_translation, proxy_change, proxy_watermark,
    proxy_binding, proxy_node, proxy_call, proxy_live_call, proxy_hang_up, proxy_message,
    proxy_federation_rule, proxy_refusal, proxy_block, proxy_allowed_source, proxy_failed_sign_in,
    proxy_alias, proxy_forward, proxy_ring_group, proxy_trunk, proxy_gateway, proxy_outbound_policy,
    proxy_gateway_health, proxy_gateway_registration;

DROP FUNCTION IF EXISTS
    directory_note_new(), directory_note_old(), directory_note_tenant(), directory_refuse_rename(),
    location_sign_out(), location_stamp(), location_ring(), audit_refuse(), audit_forget(int),
    directory_analyse(),
    calls_ring(), calls_tell_failed_sign_ins(), webhook_registrations(),
    webhook_registration(location_binding), webhook_call(jsonb), webhook_live_calls(), webhook_calls()
    CASCADE;
