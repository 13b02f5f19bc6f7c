/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Keys go to the partitions that Java clients choose for them. The values are those of Java's own class, from the jars that
 * `contrib/servers fetch` gets: a row is printed by this program, run beside them as
 * java -cp kafka-clients-4.1.1.jar:slf4j-api-1.7.36.jar Partition.java HEX...
 *
 *	public class Partition {
 *		public static void main(String[] keys) {
 *			for (String key : keys) {
 *				int hash = org.apache.kafka.common.utils.Utils.murmur2(java.util.HexFormat.of().parseHex(key));
 *				int positive = org.apache.kafka.common.utils.Utils.toPositive(hash);
 *				System.out.printf("\t{\"%s\", 0x%08x, {%d, %d, %d, %d}},%n", key, hash, positive % 2, positive % 7,
 *						  positive % 12, positive % 1000);
 *			}
 *		}
 *	}
 */
#include "publish/topics.h"
#include "unit/unit.h"

static const int32_t counts[] = {2, 7, 12, 1000}; /* of partitions */

static const struct {
	const char *key;          /* bytes in hexadecimal */
	uint32_t hash;            /* Utils.murmur2 */
	int32_t partitions[COUNT_OF(counts)];
} keys[] = {
	{"", 0x106e08d9, {1, 2, 9, 681}},
	{"31", 0x892e6f8f, {1, 2, 3, 159}},
	{"3132", 0x0783f046, {0, 4, 10, 238}},
	{"313233", 0xf00b2f2d, {1, 3, 5, 165}},
	{"31323334", 0x9fc97b14, {0, 0, 0, 940}},
	{"3132333435", 0xb92afadc, {0, 3, 8, 44}},
	{"313233343536", 0xc940f34c, {0, 3, 0, 356}},
	{"31323334353637", 0xdbed38c6, {0, 0, 6, 222}},
	{"3132333435363738", 0x1430ce0e, {0, 2, 6, 798}},
	{"313233343536373839", 0x9362de66, {0, 1, 6, 566}},
	{"c39c62756e67", 0xb6576901, {1, 5, 1, 177}},
	{"e5aea2e688b72d3432", 0xdfc82d80, {0, 5, 0, 368}},
	{"f09fa7be37", 0x668abd92, {0, 6, 2, 530}},
	{"64656d6f2f496e766f6963652f34373131", 0x8904b732, {0, 1, 6, 986}},
	{"00", 0x166197bc, {0, 0, 8, 588}},
	{"ff807f", 0x39b67e0e, {0, 1, 10, 134}},
	{"8081828384", 0x9cb89e59, {1, 4, 9, 209}},
	{"c3011020304050607080020e", 0x9d60f336, {0, 1, 2, 982}},
	{"00254a6f94b9de03284d7297bce1062b50759abfe4092e53789dc2e70c31567ba0c5ea0f34597ea3c8ed12375c81a6cbf015"
	 "3a5f84a9cef3183d6287acd1f61b40658aafd4f91e43688db2d7fc21466b90b5daff24496e93b8dd02274c7196bbe0052a4f", 0x72935293, {1, 1, 7, 555}},
};

static struct view unhex(const char *text, char bytes[200])
{
	size_t len = strlen(text) / 2;

	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		sscanf(text + 2 * i, "%2x", &byte);
		bytes[i] = (char)byte;
	}
	return (struct view){bytes, len};
}

static void test_keys(void **state)
{
	char bytes[200];

	(void)state;
	FOR_EACH(row, keys) {
		struct view key = unhex(row->key, bytes);

		/* With as many partitions as there can be, the partition is the hash. */
		assert_int_equal(partition_of_key(key, INT32_MAX), (row->hash & INT32_MAX) % INT32_MAX);
		for (size_t i = 0; i < COUNT_OF(counts); i++)
			assert_int_equal(partition_of_key(key, counts[i]), row->partitions[i]);
		assert_int_equal(partition_of_key(key, 1), 0);
	}
}

static void test_no_key(void **state)
{
	(void)state;
	assert_int_equal(partition_of_key(VIEW_NONE, 12), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a key goes to the partition that Java's default partitioner chooses", test_keys),
		TEST("what has no key goes to the first partition", test_no_key),
	};

	return RUN_TESTS(tests);
}
