// The stack of the original River on Socket.IO 2 and socket.io-redis, in a few lines: a JWT with the
// handshake, every join told to everybody in a presence- channel, an HTTP API for publishers.
const http = require("node:http");
const jwt = require("jsonwebtoken");
const redis = require("socket.io-redis");
const socketio = require("socket.io");

const { PORT, SECRET, API_KEY, BROKER } = process.env;
const BODY_BYTES_MAX = 1_048_576;

const server = http.createServer();
const io = socketio(server, {
    transports: ["websocket"],
    serveClient: false,
    perMessageDeflate: false,
});
const { hostname, port } = new URL(BROKER);
io.adapter(redis({ host: hostname, port: Number(port) }));

io.use((socket, next) => {
    jwt.verify(socket.handshake.query.token, SECRET, { algorithms: ["HS256"] }, (error, claims) => {
        socket.user = claims && claims.sub;
        next(error ? new Error("unauthorized") : undefined);
    });
});

io.on("connection", (socket) => {
    socket.on("subscribe", (channel, done) => {
        socket.join(channel, () => {
            if (channel.startsWith("presence-")) {
                io.to(channel).emit("joined", { channel, user: socket.user });
            }
            done();
        });
    });
});

function publish({ channel, event, data }) {
    io.to(channel).emit("event", { channel, event, data });
}

// Socket.IO answers its own path; everything else is the publishers' API.
const own = server.listeners("request").slice();
server.removeAllListeners("request");
server.on("request", (request, response) => {
    if (request.url.startsWith("/socket.io/")) {
        for (const listener of own) listener.call(server, request, response);
        return;
    }
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
        for (const message of body.messages || [body]) publish(message);
        response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
    });
});

server.listen(Number(PORT), "127.0.0.1", 4096);
