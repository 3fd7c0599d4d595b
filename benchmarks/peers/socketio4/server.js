// A service on Socket.IO 4 of a few lines: a JWT with the handshake, rooms as channels, joins told
// to everybody in a presence- channel, and an HTTP API for publishers.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import jwt from "jsonwebtoken";
import { createClient } from "redis";
import { Server } from "socket.io";

const { PORT, SECRET, API_KEY, BROKER, HISTORY } = process.env;
const BODY_BYTES_MAX = 1_048_576;

const http = createServer(answer);
const io = new Server(http, {
    transports: ["websocket"],
    serveClient: false,
    ...(HISTORY && {
        connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: false },
    }),
});

if (BROKER) {
    const publisher = createClient({ url: BROKER });
    const subscriber = publisher.duplicate();
    await Promise.all([publisher.connect(), subscriber.connect()]);
    io.adapter(createAdapter(publisher, subscriber));
}

io.use((socket, next) => {
    jwt.verify(socket.handshake.auth.token, SECRET, { algorithms: ["HS256"] }, (error, claims) => {
        socket.data.user = claims?.sub;
        next(error ? new Error("unauthorized") : undefined);
    });
});

io.on("connection", (socket) => {
    socket.on("subscribe", (channel, done) => {
        socket.join(channel);
        if (channel.startsWith("presence-")) {
            io.to(channel).emit("joined", { channel, user: socket.data.user });
        }
        done();
    });
});

function publish({ channel, event, data }) {
    io.to(channel).emit("event", { channel, event, data });
}

function answer(request, response) {
    if (request.url === "/healthz") {
        response.end("ok");
        return;
    }
    if (request.method !== "POST" || request.headers["x-api-key"] !== API_KEY) {
        response.writeHead(401).end();
        return;
    }
    const parts = [];
    let size = 0;
    request.on("data", (part) => {
        parts.push(part);
        size += part.length;
        if (size > BODY_BYTES_MAX) request.destroy();
    });
    request.on("end", () => {
        const body = JSON.parse(Buffer.concat(parts));
        for (const message of body.messages ?? [body]) publish(message);
        response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
    });
}

http.listen(Number(PORT), "127.0.0.1", 4096);
