/* MD5 (RFC 1321), SHA-256 (FIPS 180-4) and HMAC (RFC 2104), for APIs whose requests are signed. */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>

#define MD5_BYTES 16
#define SHA256_BYTES 32
#define SHA256_HEX (2 * SHA256_BYTES + 1)
#define MD5_HEX (2 * MD5_BYTES + 1)

/* All write lower-case hexadecimal digits and a terminating zero. */
void md5_hex(const void *bytes, size_t len, char out[MD5_HEX]);
void sha256_hex(const void *bytes, size_t len, char out[SHA256_HEX]);
void hmac_sha256_hex(const char *key, const void *bytes, size_t len, char out[SHA256_HEX]);

#endif
