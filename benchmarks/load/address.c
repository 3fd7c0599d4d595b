/* Where the load goes and from which addresses: URLs, sockets, how many files may be open. */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *resolve(struct target *target, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    const struct sockaddr_in *ip4;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return "the host cannot be resolved";
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    target->address_len = found->ai_addrlen;
    ip4 = (const struct sockaddr_in *)&target->address;
    target->loopback = found->ai_family == AF_INET && ntohl(ip4->sin_addr.s_addr) >> 24 == 127;
    freeaddrinfo(found);
    return NULL;
}

const char *target_parse(struct target *target, const char *url)
{
    char host[256];
    char port[8] = "80";
    const char *rest = strstr(url, "://");
    int used = 0;

    memset(target, 0, sizeof(*target));
    if (strncmp(url, "ws://", 5) != 0 && strncmp(url, "http://", 7) != 0)
        return "the URL must begin with ws:// or http:// (TLS is not spoken here)";
    rest += 3;
    if (sscanf(rest, "%255[^:/?]%n", host, &used) != 1)
        return "the URL has no host";
    rest += used;
    if (*rest == ':') {
        if (sscanf(rest, ":%7[0-9]%n", port, &used) != 1)
            return "the URL has no number as its port";
        rest += used;
    }
    if (strlen(rest) >= sizeof(target->path))
        return "the URL's path is too long";
    snprintf(target->path, sizeof(target->path), "%s", *rest == '\0' ? "/" : rest);
    snprintf(target->host, sizeof(target->host), "%s:%s", host, port);
    return resolve(target, host, port);
}

/* The port is chosen at connect, by the pair of both ends: so each source gives a full range of ports. */
static int bind_source(int fd, uint32_t nth)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    int on = 1;

    source.sin_addr.s_addr = htonl(0x7F000001u + nth / PORTS_PER_SOURCE);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, (struct sockaddr *)&source, sizeof(source));
}

int target_connect(const struct target *target, uint32_t nth)
{
    int on = 1;
    int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if ((target->loopback && nth >= PORTS_PER_SOURCE && bind_source(fd, nth) < 0) ||
        (connect(fd, (const struct sockaddr *)&target->address, target->address_len) < 0 &&
         errno != EINPROGRESS)) {
        int reason = errno;

        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

void socket_cut(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

uint64_t files_allow(uint64_t wanted)
{
    struct rlimit limit;
    struct rlimit more;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < wanted) {
        more = (struct rlimit){.rlim_cur = wanted, .rlim_max = wanted};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            return wanted;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}
