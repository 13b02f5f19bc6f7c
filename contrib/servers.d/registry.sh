# SPDX-License-Identifier: Apache-2.0
# Copyright the Tailwater authors.
#
# Apicurio, a schema registry: how it is fetched and started; read by contrib/servers.

fetch_registry() {
	local temp
	[ -d "$APICURIO" ] && return
	command -v mvn >/dev/null || die "maven is needed to fetch Apicurio"
	mkdir -p "$CACHE" && temp=$(mktemp -d "$CACHE/fetch.XXXXXX") || die "cannot write to $CACHE"
	if ! mvn -q -B -ntp org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -DoutputDirectory="$temp" -Dmdep.useBaseVersion=true \
		-Dartifact=io.apicurio:apicurio-registry-app:$APICURIO_VERSION:tar.gz:all </dev/null >&2 ||
		! mkdir "$temp/app" || ! tar xzf "$temp"/apicurio-registry-app-*.tar.gz -C "$temp/app"; then
		rm -rf "$temp"
		die "could not fetch Apicurio $APICURIO_VERSION"
	fi
	chmod 755 "$temp/app"
	mv -T "$temp/app" "$APICURIO" 2>/dev/null
	rm -rf "$temp"
	[ -d "$APICURIO" ] || die "could not put Apicurio into $APICURIO"
}

# http PORT METHOD PATH [BODY]: the answer's first line
http() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1" &&
		printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
			"$2" "$3" "${#4}" "${4:-}" >&3 && timeout 5 head -n 1 <&3) 2>/dev/null
}

registry_init() { mkdir "$1/data"; }

registry_answers() { case $(http "$1" GET /apis/ccompat/v7/subjects '') in *" 200 "*) ;; *) return 1 ;; esac; }

registry_ready() { registry_answers "$(cat "$1/port")" || gone "$1"; }

# Apicurio checks nothing unless it is told to; Confluent's registry is BACKWARD.
registry_launch() {
	local port
	port=$(cat "$1/port")
	launch "$1" java "-Djava.io.tmpdir=$1" -Xms64m -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC $(class_archive "$APICURIO") -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" \
		-Dquarkus.log.level=WARN -Dquarkus.log.console.level=WARN -jar "$APICURIO"/*-runner.jar
	until_true 60 registry_ready "$1" && http "$port" PUT /apis/ccompat/v7/config '{"compatibility":"BACKWARD"}' >/dev/null
}

registry_tidy() { :; }

registry_signal_fast=TERM
registry_signal_immediate=KILL
