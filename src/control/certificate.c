/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A handshake that takes any certificate, which is then verified by hand: so there is something to talk about. */
#include "certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_S 5
#define SOON_DAYS 21
#define NAME_BYTES 200

/* Connecting ---------------------------------------------------------------------------------- */

static int connect_first(const struct addrinfo *list)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_S};

	for (; list; list = list->ai_next) {
		int fd = socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC, list->ai_protocol);

		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
		if (connect(fd, list->ai_addr, list->ai_addrlen) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

static int connect_to(const struct certificate_of *of)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	int fd;

	if (getaddrinfo(of->host, of->port, &hints, &list) != 0)
		return -1;
	fd = connect_first(list);
	freeaddrinfo(list);
	return fd;
}

/* PostgreSQL says S if it has TLS, N if not. */
static bool postgresql_takes_tls(int fd)
{
	static const unsigned char request[] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};
	char answer = 0;

	return send(fd, request, sizeof(request), MSG_NOSIGNAL) == sizeof(request) && recv(fd, &answer, 1, 0) == 1 && answer == 'S';
}

#define MYSQL_HEAD_BYTES 4       /* length, number */
#define MYSQL_SSL 0x08           /* in the second byte of what it can */

/*
 * MySQL speaks first: protocol, version, NUL, number of the connection (4), a scramble (8), NUL, what it can (2) ... The request is the
 * beginning of a login: what we can, how much we take, a character set, and zeros.
 */
static bool mysql_takes_tls(int fd)
{
	static const unsigned char request[36] = {32, 0, 0, 1, 0x00, 0x8a, 0x08, 0x00, 0, 0, 0, 1, 45};
	unsigned char hello[300] = {0};
	ssize_t len = recv(fd, hello, sizeof(hello) - 1, 0);
	size_t can = MYSQL_HEAD_BYTES + 1;

	if (len < MYSQL_HEAD_BYTES + 1 || hello[MYSQL_HEAD_BYTES] != 10)
		return false;
	can += strlen((const char *)hello + can) + 1 + 4 + 8 + 1;
	if (can + 2 > (size_t)len || !(hello[can + 1] & MYSQL_SSL))
		return false;
	return send(fd, request, sizeof(request), MSG_NOSIGNAL) == sizeof(request);
}

static const struct {
	bool (*takes_tls)(int fd);
	const char *remedy;
} askings[] = {
	[ASKED_AS_POSTGRESQL] = {postgresql_takes_tls, "ssl = on in postgresql.conf, with ssl_cert_file and ssl_key_file"},
	[ASKED_AS_MYSQL] = {mysql_takes_tls, "ssl_cert and ssl_key in its configuration"},
};

/* Who asks for a name may show another certificate for another one. */
static SSL *shake_hands(SSL_CTX *context, const struct certificate_of *of, int fd)
{
	struct in6_addr address;
	SSL *ssl = SSL_new(context);

	SSL_set_fd(ssl, fd);
	if (inet_pton(AF_INET, of->host, &address) != 1 && inet_pton(AF_INET6, of->host, &address) != 1)
		SSL_set_tlsext_host_name(ssl, of->host);
	/* Where our own is asked for and not given, the server's has been shown all the same. */
	SSL_connect(ssl);
	return ssl;
}

/* Judging ------------------------------------------------------------------------------------- */

static void name_text(X509_NAME *name, char text[NAME_BYTES])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int len;

	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	len = BIO_read(bio, text, NAME_BYTES - 1);
	text[len > 0 ? len : 0] = '\0';
	BIO_free(bio);
}

static void day_text(const ASN1_TIME *time, char text[NAME_BYTES])
{
	struct tm day = {0};

	ASN1_TIME_to_tm(time, &day);
	strftime(text, NAME_BYTES, "%Y-%m-%d", &day);
}

/* Up to a few of the names that it is for. */
static void names_text(X509 *cert, char text[NAME_BYTES])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	size_t len = 0;

	if (!names || sk_GENERAL_NAME_num(names) == 0)
		name_text(X509_get_subject_name(cert), text);
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && len + 60 < NAME_BYTES; i++) {
		GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		char address[INET6_ADDRSTRLEN] = "";

		if (name->type == GEN_IPADD)
			inet_ntop(name->d.iPAddress->length == 4 ? AF_INET : AF_INET6, name->d.iPAddress->data, address, sizeof(address));
		len += (size_t)snprintf(text + len, NAME_BYTES - len, "%s%.50s", len ? ", " : "",
					name->type == GEN_DNS ? (const char *)ASN1_STRING_get0_data(name->d.dNSName) : address);
	}
	GENERAL_NAMES_free(names);
}

static X509_STORE *issuers(const char *file)
{
	X509_STORE *store = X509_STORE_new();

	if (file ? X509_STORE_load_file(store, file) != 1 : X509_STORE_set_default_paths(store) != 1) {
		X509_STORE_free(store);
		return NULL;
	}
	return store;
}

/* What OpenSSL thinks of it: X509_V_OK, or the first thing that is wrong. */
static int verify(X509 *cert, STACK_OF(X509) *chain, X509_STORE *store, const struct certificate_of *of)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int result;

	X509_STORE_CTX_init(context, store, cert, chain);
	param = X509_STORE_CTX_get0_param(context);
	if (of->name_checked && X509_VERIFY_PARAM_set1_ip_asc(param, of->host) != 1)
		X509_VERIFY_PARAM_set1_host(param, of->host, 0);
	result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	return result;
}

static bool unknown_issuer(int problem)
{
	return problem == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || problem == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       problem == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT || problem == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	       problem == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE || problem == X509_V_ERR_CERT_SIGNATURE_FAILURE;
}

/* Where it is, or what of it: "of 127.0.0.1:5432", "in FILE". */
static void tell_days(const char *code, const char *where, X509 *cert, struct findings *findings)
{
	char until[NAME_BYTES], issuer[NAME_BYTES];
	int days = 0, seconds = 0;

	day_text(X509_get0_notAfter(cert), until);
	name_text(X509_get_issuer_name(cert), issuer);
	ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert));
	if (days < 0 || seconds < 0)
		findings_add(findings, FINDING_FAILURE, code, "renew it", "the certificate %s expired on %s", where, until);
	else if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		findings_add(findings, FINDING_FAILURE, code, "set the clocks right, or wait", "the certificate %s is not valid yet", where);
	else
		findings_add(findings, days < SOON_DAYS ? FINDING_WARNING : FINDING_OK, code, days < SOON_DAYS ? "renew it" : "",
			     "the certificate %s is valid until %s (%d days), issued by '%s'", where, until, days, issuer);
}

static void tell_problem(const struct certificate_of *of, const char *where, X509 *cert, int problem, struct findings *findings)
{
	char issuer[NAME_BYTES], names[NAME_BYTES];
	const char *issuers = of->ca_file ? of->ca_file : "the system's certificates";

	name_text(X509_get_issuer_name(cert), issuer);
	names_text(cert, names);
	if (problem == X509_V_ERR_HOSTNAME_MISMATCH || problem == X509_V_ERR_IP_ADDRESS_MISMATCH)
		findings_add(findings, FINDING_FAILURE, of->code, "name the server as its certificate does, or have one made with this name",
			     "the certificate %s is for %s, not for %s", where, names, of->host);
	else if (problem == X509_V_ERR_CERT_HAS_EXPIRED || problem == X509_V_ERR_CERT_NOT_YET_VALID)
		tell_days(of->code, where, cert, findings);
	else if (unknown_issuer(problem))
		findings_add(findings, FINDING_FAILURE, of->code, of->option, "the certificate %s was issued by '%s', who is not in %s", where,
			     issuer, issuers);
	else
		findings_add(findings, FINDING_FAILURE, of->code, of->option, "the certificate %s: %s", where,
			     X509_verify_cert_error_string(problem));
}

static void judge(const struct certificate_of *of, X509 *cert, STACK_OF(X509) *chain, struct findings *findings)
{
	X509_STORE *store = of->issuer_checked ? issuers(of->ca_file) : NULL;
	char where[NAME_BYTES];
	int problem;

	snprintf(where, sizeof(where), "of %.120s:%.10s", of->host, of->port);
	if (of->issuer_checked && !store) {
		findings_add(findings, FINDING_FAILURE, of->code, of->option, "no certificates of issuers can be read from %s",
			     of->ca_file ? of->ca_file : "the system's folder");
		return;
	}
	problem = store ? verify(cert, chain, store, of) : X509_V_OK;
	if (problem != X509_V_OK)
		tell_problem(of, where, cert, problem, findings);
	else
		tell_days(of->code, where, cert, findings);
	if (!of->issuer_checked)
		findings_add(findings, FINDING_WARNING, of->code, of->option, "nobody verifies the certificate %s: whoever stands in between "
			     "can read and change everything", where);
	X509_STORE_free(store);
}

/* Our own ------------------------------------------------------------------------------------- */

static X509 *read_certificate(const char *path)
{
	FILE *file = fopen(path, "re");
	X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

	if (file)
		fclose(file);
	return cert;
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *file = fopen(path, "re");
	/* One with a password stays what it is: nobody is asked. */
	EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, "") : NULL;

	if (file)
		fclose(file);
	return key;
}

static void examine_own(const struct certificate_of *of, struct findings *findings)
{
	X509 *cert = read_certificate(of->own_file);
	EVP_PKEY *key = read_key(of->own_key ? of->own_key : of->own_file);
	char where[NAME_BYTES];

	snprintf(where, sizeof(where), "in %.180s", of->own_file);
	if (!cert)
		findings_add(findings, FINDING_FAILURE, of->code, "a readable file in PEM", "there is no certificate %s", where);
	else if (key && X509_check_private_key(cert, key) != 1)
		findings_add(findings, FINDING_FAILURE, of->code, "the key that it was made with", "the certificate %s is not of the key in %s",
			     where, of->own_key ? of->own_key : of->own_file);
	else
		tell_days(of->code, where, cert, findings);
	EVP_PKEY_free(key);
	X509_free(cert);
}

/* ... ----------------------------------------------------------------------------------------- */

static void examine_shown(const struct certificate_of *of, int fd, struct findings *findings)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = shake_hands(context, of, fd);
	X509 *cert = SSL_get0_peer_certificate(ssl);

	if (cert)
		judge(of, cert, SSL_get_peer_cert_chain(ssl), findings);
	else
		findings_add(findings, FINDING_FAILURE, of->code, "is that a port for TLS?", "%s:%s shows no certificate", of->host, of->port);
	SSL_free(ssl);
	SSL_CTX_free(context);
}

void certificate_examine(const struct certificate_of *of, struct findings *findings)
{
	int fd = connect_to(of);

	if (of->own_file)
		examine_own(of, findings);
	if (fd < 0)
		return; /* which the clients say better */
	if (of->asked && !askings[of->asked].takes_tls(fd))
		findings_add(findings, FINDING_FAILURE, of->code, askings[of->asked].remedy, "the server has no TLS");
	else
		examine_shown(of, fd, findings);
	close(fd);
	ERR_clear_error();
}
