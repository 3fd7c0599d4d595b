import com.pusher.client.Pusher;
import com.pusher.client.channel.PusherEvent;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The page and the back end of the docs, which smoke.py puts beside this file, together. */
public class Pasted {
    private static HttpServer endpoint;

    static int port() {
        return endpoint.getAddress().getPort();
    }

    public static void main(String[] arguments) throws Exception {
        endpoint = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        endpoint.createContext("/pusher/auth", request -> {
            String body = new String(request.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            var form = Stream.of(body.split("&")).map(part -> part.split("=", 2)).collect(Collectors.toMap(
                part -> part[0], part -> URLDecoder.decode(part[1], StandardCharsets.UTF_8)));
            byte[] answer = Dogs.auth(form.get("socket_id"), form.get("channel_name")).getBytes(StandardCharsets.UTF_8);
            request.sendResponseHeaders(200, answer.length);
            request.getResponseBody().write(answer);
            request.close();
        });
        endpoint.start();
        CompletableFuture<String> heard = new CompletableFuture<>();
        Pusher page = Page.open();
        page.getPrivateChannel("private-dogs").bind("post", new Page() {
            @Override public void onEvent(PusherEvent event) {
                heard.complete(event.getData());
            }
        });
        int status = 1;
        try {
            for (int n = 0; n < 600 && !page.getPrivateChannel("private-dogs").isSubscribed(); n++) {
                Thread.sleep(100);
            }
            Dogs.post();
            String data = heard.get(60, TimeUnit.SECONDS);
            System.out.println("java of the docs: " + data);
            status = data.equals("{\"text\":\"Hello\"}") ? 0 : 1;
        } finally {
            System.exit(status);
        }
    }
}
