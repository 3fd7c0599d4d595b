/* What a client sends: frames, as far as its socket takes them. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "load.h"
#include "ws.h"

void conn_flush(struct load *load, struct conn *conn)
{
    ssize_t sent;

    if (conn->out.len == 0)
        return;
    sent = send(conn->fd, conn->out.at, conn->out.len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
        conn_ended(load, conn);
        return;
    }
    if (sent > 0) {
        memmove(conn->out.at, conn->out.at + sent, conn->out.len - (size_t)sent);
        conn->out.len -= (size_t)sent;
    }
}

void conn_send(struct load *load, struct conn *conn, unsigned opcode, const char *at, size_t len)
{
    frame_add_client(&conn->out, opcode, at, len);
    conn_flush(load, conn);
}
