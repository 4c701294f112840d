#!/bin/sh
# PostgreSQL with the user, password and database of POSTGRES_USER, _PASSWORD and _DB.
set -e
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/fedsip
install -d -o postgres -m 700 "$data"
if [ ! -e "$data/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" >/tmp/password && chmod 644 /tmp/password
    su postgres -c "$bin/initdb -D $data -U $POSTGRES_USER --pwfile=/tmp/password -A scram-sha-256 -E UTF8"
    rm /tmp/password
    su postgres -c "echo 'CREATE DATABASE $POSTGRES_DB' | $bin/postgres --single -D $data postgres"
fi
exec su postgres -c "exec $bin/postgres -D $data -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp"
