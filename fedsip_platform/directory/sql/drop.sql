-- Takes away what views.sql and triggers.sql make, for the migration that makes them anew.

DROP VIEW IF EXISTS
    proxy_domain, proxy_subscriber, proxy_translation, proxy_change, proxy_watermark,
    proxy_binding, proxy_node, proxy_call;

DROP FUNCTION IF EXISTS
    directory_note_new(), directory_note_old(), directory_note_tenant(), directory_refuse_rename(),
    location_sign_out(), location_stamp(), location_ring(), audit_refuse(), audit_forget(int)
    CASCADE;
