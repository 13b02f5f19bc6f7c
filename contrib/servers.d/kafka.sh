# SPDX-License-Identifier: Apache-2.0
# Copyright the Tailwater authors.
#
# Kafka: its jars, its settings, how it is started; and stock libraries that read it; read by contrib/servers.

fetch() {
	local temp
	[ -d "$JARS" ] && return
	command -v mvn >/dev/null || die "maven is needed to fetch Kafka"
	mkdir -p "$CACHE" && temp=$(mktemp -d "$CACHE/fetch.XXXXXX") || die "cannot write to $CACHE"
	if ! mvn -q -B -f "$HERE/kafka/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
		-Dkafka.version=$KAFKA_VERSION \
		-DoutputDirectory="$temp" </dev/null >&2; then
		rm -rf "$temp"
		die "could not fetch the jars of Kafka $KAFKA_VERSION"
	fi
	chmod 755 "$temp"
	# whoever is first wins; a folder in place means all of it is there
	mv -T "$temp" "$JARS" 2>/dev/null || rm -rf "$temp"
	[ -d "$JARS" ] || die "could not put the jars into $JARS"
}

# A broker tells its clients where to go on: those that come to this port are told the address of what stands before it.
kafka_relayed() {
	take_port "$1/relayed-port"
	cat <<-END
	listeners=PLAINTEXT://127.0.0.1:$(cat "$1/port"),CONTROLLER://127.0.0.1:$(cat "$1/controller-port"),RELAYED://127.0.0.1:$(cat "$1/relayed-port")
	advertised.listeners=PLAINTEXT://127.0.0.1:$(cat "$1/port"),RELAYED://$2
	listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,RELAYED:PLAINTEXT
	END
}

# What goes to the plain port is nobody's, and may do everything; so may the users of the line that begins with *.
kafka_secured() {
	local folder=$2 user name
	take_port "$1/ssl-port"
	take_port "$1/sasl-port"
	cat <<-END
	listeners=PLAINTEXT://127.0.0.1:$(cat "$1/port"),CONTROLLER://127.0.0.1:$(cat "$1/controller-port"),SSL://127.0.0.1:$(cat "$1/ssl-port"),SASL_SSL://127.0.0.1:$(cat "$1/sasl-port")
	advertised.listeners=PLAINTEXT://127.0.0.1:$(cat "$1/port"),SSL://127.0.0.1:$(cat "$1/ssl-port"),SASL_SSL://127.0.0.1:$(cat "$1/sasl-port")
	listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
	ssl.keystore.type=PEM
	ssl.keystore.location=$folder/broker.pem
	ssl.truststore.type=PEM
	ssl.truststore.location=$folder/ca.pem
	listener.name.ssl.ssl.client.auth=required
	sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
	listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required$(sed 's/^\**\([^:]*\):\(.*\)/ user_\1="\2"/' "$folder/users" | tr -d '\n');
	listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
	listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
	authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
	super.users=User:ANONYMOUS$(sed -n 's/^\*\([^:]*\):.*/;User:\1/p' "$folder/users" | tr -d '\n')
	END
}

# The users of a folder as the options that format them into the log.
kafka_scram() {
	sed 's/^\**\([^:]*\):\(.*\)/--add-scram\nSCRAM-SHA-256=[name=\1,password=\2]\n--add-scram\nSCRAM-SHA-512=[name=\1,password=\2]/' "$1/users"
}

# One node, both roles. Replication factors of one, or the first transaction waits for ever; files and buffers of test
# size.
kafka_init() {
	local dir=$1; shift
	take_port "$dir/controller-port"
	cat >"$dir/server.properties" <<-END
	process.roles=broker,controller
	node.id=1
	listeners=PLAINTEXT://127.0.0.1:$(cat "$dir/port"),CONTROLLER://127.0.0.1:$(cat "$dir/controller-port")
	advertised.listeners=PLAINTEXT://127.0.0.1:$(cat "$dir/port")
	controller.listener.names=CONTROLLER
	controller.quorum.bootstrap.servers=127.0.0.1:$(cat "$dir/controller-port")
	listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
	log.dirs=$dir/data
	auto.create.topics.enable=false
	offsets.topic.replication.factor=1
	offsets.topic.num.partitions=3
	offsets.topic.segment.bytes=1048576
	transaction.state.log.replication.factor=1
	transaction.state.log.min.isr=1
	transaction.state.log.num.partitions=3
	transaction.state.log.segment.bytes=1048576
	transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
	share.coordinator.state.topic.replication.factor=1
	share.coordinator.state.topic.min.isr=1
	group.initial.rebalance.delay.ms=0
	broker.heartbeat.interval.ms=500
	broker.session.timeout.ms=3000
	log.cleaner.dedupe.buffer.size=4194304
	log.segment.bytes=67108864
	log.retention.bytes=1073741824
	log.retention.check.interval.ms=30000
	log.index.size.max.bytes=1048576
	num.network.threads=2
	num.io.threads=4
	END
	local id setting scram=()
	for setting in "$@"; do
		case $setting in
		relay=*) kafka_relayed "$dir" "${setting#relay=}" ;;
		secure=*) kafka_secured "$dir" "${setting#secure=}"; mapfile -t scram < <(kafka_scram "${setting#secure=}") ;;
		*) echo "$setting" ;;
		esac
	done >>"$dir/server.properties"
	id=$(head -c 16 /dev/urandom | base64 | tr '+/' '__' | cut -c1-22)
	java $(class_archive "$JARS") -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$JARS/*" kafka.tools.StorageTool format --standalone -t "$id" -c "$dir/server.properties" ${scram[@]+"${scram[@]}"} \
		>>"$dir/log" 2>&1 ||
		die "formatting failed, see $dir/log"
}

# An ApiVersions request, version 0. The broker opens its port once it may serve, so any answer will do.
kafka_answers() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1" &&
		printf '\0\0\0\012\0\022\0\0\0\0\0\001\377\377' >&3 &&
		[ "$(timeout 1 head -c 8 <&3 | wc -c)" = 8 ]) 2>/dev/null
}

kafka_ready() { kafka_answers "$(cat "$1/port")" || gone "$1"; }

kafka_launch() {
	launch "$1" java "-Djava.io.tmpdir=$1" ${TAILWATER_KAFKA_JVM:--Xms128m -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC} \
		$(class_archive "$JARS") \
		-Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
		-cp "$JARS/*" kafka.Kafka "$1/server.properties"
	until_true 60 kafka_ready "$1"
}

kafka_tidy() { :; }

kafka_signal_fast=TERM
kafka_signal_immediate=KILL

# A virtual environment of the pinned versions, known by their list.
fetch_consumer() {
	local list=$HERE/../tests/consumers/requirements.txt name
	name=$CACHE/consumer-$(sha256sum "$list" | cut -c1-12) || die "no $list"
	if [ ! -e "$name/ready" ]; then
		rm -rf "$name"
		mkdir -p "$CACHE" && python3 -m venv "$name" >&2 &&
			"$name/bin/pip" -q install --disable-pip-version-check --no-deps -r "$list" >&2 && touch "$name/ready" ||
			die "could not fetch the libraries of $list"
	fi
	echo "$name/bin/python3"
}
