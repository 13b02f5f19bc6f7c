/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Contexts are set up once for each key and begun anew for each value: nothing is looked up per row. */
#include "secret.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define HASH_BYTES 32
#define TOKEN_BYTES 16
#define NONCE_BYTES 12
#define TAG_BYTES 16

struct secret {
	EVP_MAC_CTX *token;
	EVP_MAC_CTX *nonce;
	EVP_CIPHER_CTX *cipher;
	EVP_CIPHER_CTX *decipher;
	char name[SECRET_NAME_BYTES];
};

static int refused(struct error *err)
{
	return error_set(err, ERROR_INTERNAL, "OpenSSL refuses HMAC-SHA-256 or AES-256-GCM");
}

static EVP_MAC_CTX *hmac_new(struct view key)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	EVP_MAC_free(mac);
	if (ctx && EVP_MAC_init(ctx, (const unsigned char *)key.ptr, key.len, params) == 1)
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

/* With the key that the context has. */
static bool hmac(EVP_MAC_CTX *ctx, struct view text, unsigned char ret[HASH_BYTES])
{
	size_t len = 0;

	return EVP_MAC_init(ctx, NULL, 0, NULL) == 1 &&
	       EVP_MAC_update(ctx, (const unsigned char *)text.ptr, text.len) == 1 &&
	       EVP_MAC_final(ctx, ret, &len, HASH_BYTES) == 1 && len == HASH_BYTES;
}

static EVP_CIPHER_CTX *cipher_new(const unsigned char key[HASH_BYTES])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, NULL) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

static EVP_CIPHER_CTX *decipher_new(const unsigned char key[HASH_BYTES])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, NULL) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

/* The key for one use. */
static bool derive(EVP_MAC_CTX *master, const char *use, unsigned char ret[HASH_BYTES])
{
	return hmac(master, view_of(use), ret);
}

static bool set_up(struct secret *secret, EVP_MAC_CTX *master)
{
	unsigned char key[HASH_BYTES];
	struct view made = {(const char *)key, sizeof(key)};

	if (derive(master, "tailwater name", key))
		snprintf(secret->name, sizeof(secret->name), "%02x%02x%02x%02x", key[0], key[1], key[2], key[3]);
	if (derive(master, "tailwater token", key))
		secret->token = hmac_new(made);
	if (derive(master, "tailwater nonce", key))
		secret->nonce = hmac_new(made);
	if (derive(master, "tailwater encrypt", key)) {
		secret->cipher = cipher_new(key);
		secret->decipher = decipher_new(key);
	}
	explicit_bzero(key, sizeof(key));
	return secret->name[0] && secret->token && secret->nonce && secret->cipher && secret->decipher;
}

int secret_new(struct secret **ret, struct view key, struct error *err)
{
	struct secret *secret = MEM_NEW(struct secret);
	EVP_MAC_CTX *master = hmac_new(key);
	bool done = master && set_up(secret, master);

	EVP_MAC_CTX_free(master);
	*ret = secret;
	if (done)
		return 0;
	secret_free(secret);
	*ret = NULL;
	return refused(err);
}

void secret_free(struct secret *secret)
{
	if (!secret)
		return;
	EVP_MAC_CTX_free(secret->token);
	EVP_MAC_CTX_free(secret->nonce);
	EVP_CIPHER_CTX_free(secret->cipher);
	EVP_CIPHER_CTX_free(secret->decipher);
	free(secret);
}

const char *secret_name(const struct secret *secret)
{
	return secret->name;
}

/* Without padding (RFC 4648, section 5); returns what follows the text. */
static char *base64url(char *to, const unsigned char *bytes, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t held = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < len; i++) {
		held = held << 8 | bytes[i];
		for (bits += 8; bits >= 6; bits -= 6)
			*to++ = letters[held >> (bits - 6) & 63];
	}
	if (bits)
		*to++ = letters[held << (6 - bits) & 63];
	return to;
}

static int letter_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Returns the number of bytes, or -1. */
static int from_base64url(struct view text, unsigned char *to)
{
	uint32_t held = 0;
	unsigned bits = 0;
	int len = 0;

	for (size_t i = 0; i < text.len; i++) {
		int value = letter_value(text.ptr[i]);

		if (value < 0)
			return -1;
		held = held << 6 | (uint32_t)value;
		bits += 6;
		if (bits >= 8)
			to[len++] = (unsigned char)(held >> (bits -= 8));
	}
	return len;
}

/* Begins a text of so many bytes: "tok_<key>_" */
static char *begin(const struct secret *secret, const char *kind, size_t bytes, struct arena *arena, struct view *ret)
{
	ret->ptr = arena_alloc(arena, 3 + 1 + SECRET_NAME_BYTES + (bytes + 2) / 3 * 4 + 1);
	return (char *)ret->ptr + sprintf((char *)ret->ptr, "%s_%s_", kind, secret->name);
}

int secret_token(struct secret *secret, struct view text, struct arena *arena, struct view *ret, struct error *err)
{
	unsigned char hash[HASH_BYTES];
	char *to;

	if (!hmac(secret->token, text, hash))
		return refused(err);
	to = begin(secret, "tok", TOKEN_BYTES, arena, ret);
	ret->len = (size_t)(base64url(to, hash, TOKEN_BYTES) - ret->ptr);
	return 0;
}

static bool seal(struct secret *secret, struct view text, unsigned char *sealed)
{
	unsigned char hash[HASH_BYTES];
	int len = 0, rest = 0;

	if (!hmac(secret->nonce, text, hash))
		return false;
	memcpy(sealed, hash, NONCE_BYTES);
	return EVP_EncryptInit_ex(secret->cipher, NULL, NULL, NULL, sealed) == 1 &&
	       EVP_EncryptUpdate(secret->cipher, sealed + NONCE_BYTES, &len, (const unsigned char *)text.ptr,
				 (int)text.len) == 1 &&
	       EVP_EncryptFinal_ex(secret->cipher, sealed + NONCE_BYTES + len, &rest) == 1 &&
	       EVP_CIPHER_CTX_ctrl(secret->cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, sealed + NONCE_BYTES + text.len) == 1;
}

int secret_encrypt(struct secret *secret, struct view text, struct arena *arena, struct view *ret, struct error *err)
{
	size_t bytes = NONCE_BYTES + text.len + TAG_BYTES;
	unsigned char *sealed;
	char *to;

	if (text.len > INT_MAX)
		return refused(err);
	sealed = arena_alloc(arena, bytes);
	if (!seal(secret, text, sealed))
		return refused(err);
	to = begin(secret, "enc", bytes, arena, ret);
	ret->len = (size_t)(base64url(to, sealed, bytes) - ret->ptr);
	return 0;
}

static bool unseal(struct secret *secret, const unsigned char *sealed, int len, unsigned char *to)
{
	int written = 0, rest = 0, text = len - NONCE_BYTES - TAG_BYTES;

	return EVP_DecryptInit_ex(secret->decipher, NULL, NULL, NULL, sealed) == 1 &&
	       EVP_DecryptUpdate(secret->decipher, to, &written, sealed + NONCE_BYTES, text) == 1 &&
	       EVP_CIPHER_CTX_ctrl(secret->decipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, (void *)(sealed + NONCE_BYTES + text)) == 1 &&
	       EVP_DecryptFinal_ex(secret->decipher, to + written, &rest) == 1;
}

int secret_decrypt(struct secret *secret, struct view mask, struct arena *arena, struct view *ret)
{
	char kind[4 + SECRET_NAME_BYTES + 1];
	size_t head = (size_t)snprintf(kind, sizeof(kind), "enc_%s_", secret->name);
	unsigned char *sealed, *text;
	int len;

	if (mask.len < head || mask.len > INT_MAX || memcmp(mask.ptr, kind, head) != 0)
		return -1;
	sealed = arena_alloc(arena, mask.len);
	len = from_base64url((struct view){mask.ptr + head, mask.len - head}, sealed);
	if (len < NONCE_BYTES + TAG_BYTES)
		return -1;
	text = arena_alloc(arena, (size_t)len + 1);
	*ret = (struct view){(const char *)text, (size_t)(len - NONCE_BYTES - TAG_BYTES)};
	return unseal(secret, sealed, len, text) ? 0 : -1;
}
