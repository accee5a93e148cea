#!/bin/sh
# Run once by the image, as the superuser, when the cluster is made: the owner who migrates, and the web's role without DDL.
set -eu
psql -v ON_ERROR_STOP=1 -v owner="$(cat ${SECRETS:-/run/secrets}/owner_password)" -v web="$(cat ${SECRETS:-/run/secrets}/web_password)" <<'SQL'
CREATE ROLE portal_owner LOGIN PASSWORD :'owner';
CREATE ROLE portal_web LOGIN PASSWORD :'web';
CREATE DATABASE portal OWNER portal_owner;
\connect portal
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO portal_owner;
SQL
