/* MD5 (RFC 1321), SHA-256 (FIPS 180-4) and HMAC (RFC 2104), for APIs whose requests are signed. */
#include "digest.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 64u

struct hash {
    uint32_t state[8];
    unsigned char block[BLOCK];
    size_t used;
    uint64_t total;
    void (*mix)(uint32_t *state, const unsigned char *block);
};

static uint32_t left(uint32_t word, unsigned by)
{
    return word << by | word >> (32 - by);
}

static uint32_t right(uint32_t word, unsigned by)
{
    return word >> by | word << (32 - by);
}

static void md5_mix(uint32_t *state, const unsigned char *block)
{
    static const unsigned TURNS[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    static uint32_t sines[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

    for (unsigned i = 0; sines[63] == 0 && i < 64; i++)
        sines[i] = (uint32_t)(int64_t)(fabs(sin(i + 1.0)) * 4294967296.0);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t mixed;
        unsigned place;
        uint32_t word;

        if (i < 16)
            mixed = (b & c) | (~b & d), place = i;
        else if (i < 32)
            mixed = (d & b) | (~d & c), place = (5 * i + 1) % 16;
        else if (i < 48)
            mixed = b ^ c ^ d, place = (3 * i + 5) % 16;
        else
            mixed = c ^ (b | ~d), place = 7 * i % 16;
        memcpy(&word, block + 4 * place, 4);
        mixed += a + sines[i] + word;
        a = d, d = c, c = b;
        b += left(mixed, TURNS[i / 16][i % 4]);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

static const uint32_t ROUNDS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void sha256_mix(uint32_t *state, const unsigned char *block)
{
    uint32_t word[64];
    uint32_t s[8];

    for (unsigned i = 0; i < 16; i++)
        word[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                  (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        uint32_t early = right(word[i - 15], 7) ^ right(word[i - 15], 18) ^ word[i - 15] >> 3;
        uint32_t late = right(word[i - 2], 17) ^ right(word[i - 2], 19) ^ word[i - 2] >> 10;

        word[i] = word[i - 16] + early + word[i - 7] + late;
    }
    memcpy(s, state, sizeof(s));
    for (unsigned i = 0; i < 64; i++) {
        uint32_t one = s[7] + (right(s[4], 6) ^ right(s[4], 11) ^ right(s[4], 25)) +
                       ((s[4] & s[5]) ^ (~s[4] & s[6])) + ROUNDS[i] + word[i];
        uint32_t two = (right(s[0], 2) ^ right(s[0], 13) ^ right(s[0], 22)) +
                       ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

        memmove(s + 1, s, 7 * sizeof(s[0]));
        s[4] += one;
        s[0] = one + two;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += s[i];
}

static void hash_add(struct hash *hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    hash->total += len;
    while (len > 0) {
        size_t part = BLOCK - hash->used < len ? BLOCK - hash->used : len;

        memcpy(hash->block + hash->used, at, part);
        hash->used += part;
        at += part;
        len -= part;
        if (hash->used == BLOCK) {
            hash->mix(hash->state, hash->block);
            hash->used = 0;
        }
    }
}

/* A one, zeros, the length in bits: MD5 wants its bytes from the low end, SHA from the high one. */
static void hash_end(struct hash *hash, bool high_first, unsigned words, unsigned char *out)
{
    static const unsigned char PADDING[BLOCK] = {0x80};
    unsigned char length[8];
    uint64_t bits = hash->total * 8;

    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (high_first ? 56 - 8 * i : 8 * i));
    hash_add(hash, PADDING, 1 + (2 * BLOCK - 9 - hash->used) % BLOCK);
    hash_add(hash, length, sizeof(length));
    for (unsigned i = 0; i < 4 * words; i++)
        out[i] = (unsigned char)(hash->state[i / 4] >> (high_first ? 24 - 8 * (i % 4) : 8 * (i % 4)));
}

static struct hash sha256_begin(void)
{
    return (struct hash){
        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                  0x5be0cd19},
        .mix = sha256_mix,
    };
}

static void hex(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

void md5_hex(const void *bytes, size_t len, char out[MD5_HEX])
{
    struct hash hash = {.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, .mix = md5_mix};
    unsigned char digest[MD5_BYTES];

    hash_add(&hash, bytes, len);
    hash_end(&hash, false, 4, digest);
    hex(digest, sizeof(digest), out);
}

void sha256_hex(const void *bytes, size_t len, char out[SHA256_HEX])
{
    struct hash hash = sha256_begin();
    unsigned char digest[SHA256_BYTES];

    hash_add(&hash, bytes, len);
    hash_end(&hash, true, 8, digest);
    hex(digest, sizeof(digest), out);
}

/* Keys longer than a block are cut: those of a bench are not. */
void hmac_sha256_hex(const char *key, const void *bytes, size_t len, char out[SHA256_HEX])
{
    unsigned char pad[BLOCK] = {0};
    unsigned char digest[SHA256_BYTES];
    struct hash inner = sha256_begin();
    struct hash outer = sha256_begin();
    size_t key_len = strlen(key) < BLOCK ? strlen(key) : BLOCK;

    memcpy(pad, key, key_len);
    for (unsigned i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36;
    hash_add(&inner, pad, BLOCK);
    hash_add(&inner, bytes, len);
    hash_end(&inner, true, 8, digest);
    for (unsigned i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    hash_add(&outer, pad, BLOCK);
    hash_add(&outer, digest, sizeof(digest));
    hash_end(&outer, true, 8, digest);
    hex(digest, sizeof(digest), out);
}
