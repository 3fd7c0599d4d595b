import com.pusher.client.Pusher;
import com.pusher.client.PusherOptions;
import com.pusher.client.channel.PrivateChannelEventListener;
import com.pusher.client.channel.PusherEvent;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Pusher's client for Java, on a private channel of the River that the environment names (see smoke.py). */
public class Smoke {
    public static void main(String[] arguments) throws Exception {
        String key = System.getenv("RIVER_KEY");
        String secret = System.getenv("RIVER_SECRET");
        PusherOptions options = new PusherOptions()
            .setHost(System.getenv("RIVER_HOST"))
            .setWsPort(Integer.parseInt(System.getenv("RIVER_PORT")))
            .setUseTLS(false)
            .setChannelAuthorizer((channel, socket) ->
                "{\"auth\":\"" + key + ":" + signature(secret, socket + ":" + channel) + "\"}");
        CompletableFuture<String> heard = new CompletableFuture<>();
        Pusher pusher = new Pusher(key, options);
        pusher.connect();
        pusher.subscribePrivate("private-java", new PrivateChannelEventListener() {
            @Override public void onSubscriptionSucceeded(String channel) {
                System.out.println("ready");
            }
            @Override public void onAuthenticationFailure(String message, Exception error) {
                heard.completeExceptionally(new IllegalStateException(message, error));
            }
            @Override public void onEvent(PusherEvent event) {
                heard.complete(event.getData());
            }
        }, "post");
        int status = 1;
        try {
            String data = heard.get(60, TimeUnit.SECONDS);
            status = data.equals("{\"text\":\"Hi\"}") ? 0 : 1;
            System.out.println(status == 0 ? "java: fine" : "java: " + data);
        } finally {
            System.exit(status);
        }
    }

    private static String signature(String secret, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            return String.format("%064x", new BigInteger(1, mac.doFinal(text.getBytes(StandardCharsets.UTF_8))));
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }
}
