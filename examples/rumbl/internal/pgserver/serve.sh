# Makes a PostgreSQL server in a folder of its own, tells the folder when it is
# ready, and ends it with its standard input: so the server never outlives the
# program that started it, however that ends.
set -eu
PATH=$1:$PATH
dir=$(mktemp -d "${TMPDIR:-/tmp}/rumbl-postgres.XXXXXX")
trap 'pg_ctl stop -D "$dir/data" -m immediate >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT

fail() {
	cat "$dir/log" >&2
	exit 1
}
initdb -D "$dir/data" -U rumbl --auth=trust --encoding=UTF8 --no-locale --no-sync >"$dir/log" 2>&1 || fail
cat >>"$dir/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$dir'
port = 5432
max_connections = 200
fsync = off
full_page_writes = off
END
pg_ctl start -D "$dir/data" -w -l "$dir/log" >/dev/null || fail
echo "$dir"
cat >/dev/null
