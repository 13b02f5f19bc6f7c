#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the Tailwater authors.
"""
Reads every topic of an agent with stock libraries, as anybody would: confluent-kafka with its deserialiser for Avro (which is
fastavro below), JSON (which validates by the schema) or Protocol Buffers (of classes that protoc makes of the schema), and the registry's own schemas; or json of the standard library. What it reads is compared, record by record,
with what `tailwater read` has printed of the same records.

    read_all.py BOOTSTRAP REGISTRY|json PREFIX JSONL
"""
import base64
import datetime
import decimal
import json
import math
import os
import sys
import tempfile

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from grpc_tools import protoc

NOT_AVRO = ("checkpoint",)  # the agent's own


def variable_decimal(value):
    """io.debezium.data.VariableScaleDecimal, as Debezium's readers take it."""
    unscaled = int.from_bytes(value["value"], "big", signed=True)
    return decimal.Decimal(unscaled).scaleb(-value["scale"])


def same(value, told):
    """A value as the library gives it, and as JSON shows it."""
    if isinstance(value, dict):
        if set(value) == {"scale", "value"} and isinstance(told, str):
            return variable_decimal(value) == decimal.Decimal(told)
        return isinstance(told, dict) and value.keys() == told.keys() and all(same(value[k], told[k]) for k in value)
    if isinstance(value, (list, tuple)):
        return isinstance(told, list) and len(value) == len(told) and all(map(same, value, told))
    if isinstance(value, decimal.Decimal):
        return value == decimal.Decimal(told)
    if isinstance(value, bytes):
        return value == base64.b64decode(told)
    if isinstance(value, datetime.datetime):
        return value == datetime.datetime.fromisoformat(told)
    if isinstance(value, datetime.date):
        return value.isoformat() == told
    if isinstance(value, float):
        return math.isclose(value, float(told), rel_tol=1e-9) or (math.isnan(value) and told == "NaN")
    return value == told


def read_told(path):
    with open(path, encoding="utf-8") as lines:
        records = (json.loads(line) for line in lines)
        return {(r["topic"], r["partition"], r["offset"]): r for r in records}


def partitions_of(bootstrap, prefix):
    topics = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=30).topics
    return [TopicPartition(name, number, OFFSET_BEGINNING) for name, topic in sorted(topics.items())
            if name.startswith(prefix + ".") and name[len(prefix) + 1:] not in NOT_AVRO for number in topic.partitions]


def consume(bootstrap, partitions):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "read-all", "isolation.level": "read_committed",
                         "enable.partition.eof": True, "auto.offset.reset": "earliest"})
    consumer.assign(partitions)
    open_partitions = len(partitions)
    while open_partitions:
        message = consumer.poll(30)
        if message is None:
            sys.exit("nothing arrives any more, and not all topics are at their end")
        if message.error():
            if message.error().name() != "_PARTITION_EOF":
                sys.exit(str(message.error()))
            open_partitions -= 1
            continue
        yield message
    consumer.close()


CONNECT_TYPES = {"string": str, "bytes": str, "boolean": bool, "int16": int, "int32": int, "int64": int, "array": list, "map": dict,
                 "struct": dict, "float": (int, float, str), "double": (int, float, str)}  # a number that is not finite is a word


def conforms(schema, value):
    """Whether a payload is what its schema of Kafka Connect says."""
    if value is None:
        return schema["optional"]
    if not isinstance(value, CONNECT_TYPES[schema["type"]]) or isinstance(value, bool) != (schema["type"] == "boolean"):
        return False
    if schema["type"] == "bytes":
        return len(base64.b64decode(value, validate=True)) >= 0
    if schema["type"] == "struct":
        fields = {field["field"]: field for field in schema["fields"]}
        return list(value) == list(fields) and all(conforms(fields[name], part) for name, part in value.items())
    if schema["type"] == "array":
        return all(conforms(schema["items"], item) for item in value)
    if schema["type"] == "map":
        return all(conforms(schema["values"], part) for part in value.values())
    return True


def from_json(data, context):
    """A value, or the payload that a schema stands before."""
    value = json.loads(data)
    if not isinstance(value, dict) or set(value) != {"schema", "payload"} or not isinstance(value["schema"], dict):
        return value
    if not conforms(value["schema"], value["payload"]):
        sys.exit(f"{context.topic}, {context.field}: {value['payload']} is not what its schema says: {value['schema']}")
    return value["payload"]


EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def message_class(text):
    """The class of a file's first message."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "schema.proto"), "w", encoding="utf-8") as file:
            file.write(text)
        made = os.path.join(folder, "made")
        if protoc.main(["protoc", f"-I{folder}", f"--descriptor_set_out={made}", "schema.proto"]) != 0:
            sys.exit(f"protoc does not take this schema:\n{text}")
        with open(made, "rb") as file:
            files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    first = files.file[0]
    pool.Add(first)
    name = ".".join(filter(None, (first.package, first.message_type[0].name)))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def from_field(field, value):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return from_message(value)
    if field.type == FieldDescriptor.TYPE_SFIXED64:
        return EPOCH + datetime.timedelta(microseconds=value)
    if field.type == FieldDescriptor.TYPE_SINT32:
        return EPOCH.date() + datetime.timedelta(days=value)
    return value


def from_message(message):
    """As the mapping in src/encode/protobuf.h says; what only stands around a value is that value."""
    fields = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.label != FieldDescriptor.LABEL_REPEATED:
            fields[field.name] = from_field(field, value) if message.HasField(field.name) else None
        elif field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
            of = field.message_type.fields_by_name["value"]
            fields[field.name] = {k: from_field(of, value[k]) for k in value}
        else:
            fields[field.name] = [from_field(field, item) for item in value]
    if [field.number for field in message.DESCRIPTOR.fields] == [1]:
        return next(iter(fields.values()))
    return fields


def decoder_of(registry):
    """One for records of each kind, which is told by their schema. Validating takes long: of each topic some are enough."""
    if registry == "json":
        return from_json
    client = SchemaRegistryClient({"url": registry})
    avro, validated = AvroDeserializer(client), JSONDeserializer(None, schema_registry_client=client)
    seen, protobuf = {}, {}

    def decode(data, context):
        schema_id = int.from_bytes(data[1:5], "big")
        schema = client.get_schema(schema_id)
        if schema.schema_type == "AVRO":
            return avro(data, context)
        if schema.schema_type == "PROTOBUF":
            if schema_id not in protobuf:
                protobuf[schema_id] = ProtobufDeserializer(message_class(schema.schema_str), {"use.deprecated.format": False})
            return from_message(protobuf[schema_id](data, context))
        seen[context.topic, context.field] = seen.get((context.topic, context.field), 0) + 1
        return validated(data, context) if seen[context.topic, context.field] <= 20 else json.loads(data[5:])

    return decode


def main():
    bootstrap, registry, prefix, told_path = sys.argv[1:]
    decode = decoder_of(registry)
    told = read_told(told_path)
    counts = {}
    for message in consume(bootstrap, partitions_of(bootstrap, prefix)):
        place = (message.topic(), message.partition(), message.offset())
        expected = told.pop(place, None)
        if expected is None:
            sys.exit(f"{place}: `tailwater read` has not printed it")
        for field, data in ((MessageField.KEY, message.key()), (MessageField.VALUE, message.value())):
            value = decode(data, SerializationContext(message.topic(), field)) if data is not None else None
            if not same(value, expected[field]):
                sys.exit(f"{place}, {field}: it is\n{value!r}\nbut `tailwater read` says\n{expected[field]!r}")
        counts[message.topic()] = counts.get(message.topic(), 0) + 1
    if told:
        sys.exit(f"{len(told)} records did not arrive, one of them {next(iter(told))}")
    for topic, count in sorted(counts.items()):
        print(topic, count)


main()
