/* Where the load goes and from which addresses: URLs, sockets, how many files may be open. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Connections from one loopback address to one target before the next address is used. */
#define PORTS_PER_SOURCE 25000u

struct target {
    char host[264]; /* with the port, as the Host header wants it */
    char path[512];
    struct sockaddr_storage address;
    socklen_t address_len;
    bool loopback;
};

/* Fill `target` from `ws://` or `http://`; NULL, or what is wrong with the URL. */
const char *target_parse(struct target *target, const char *url);

/* A non-blocking socket on its way to the target as its `nth` connection; -1 with errno. */
int target_connect(const struct target *target, uint32_t nth);

/* Close without a farewell and without a port that waits: the peer sees a cut connection. */
void socket_cut(int fd);

/* Allow `wanted` open files if the system lets us; what is allowed then. */
uint64_t files_allow(uint64_t wanted);

#endif
