# What compose.yml takes from a registry of images, made of Debian's packages instead: PostgreSQL
# and Redis, obeying those of the official images' settings that compose.yml uses.
ARG BASE
FROM ${BASE}
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        postgresql redis-server \
    && rm -rf /var/lib/apt/lists/*
COPY postgres.sh /usr/local/bin/postgres.sh
