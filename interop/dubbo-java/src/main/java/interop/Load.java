// SPDX-License-Identifier: Apache-2.0
package interop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Sizes and numbers: large, empty and many messages, many calls. */
final class Load extends Calling {
    private static final int MANY = 5000;

    Load(Client to) {
        super(to);
    }

    @Override
    Map<String, Call> cases() {
        return Map.of(
                "large", this::large,
                "empty", this::empty,
                "many", this::many,
                "concurrent", this::concurrent);
    }

    private void large() throws Throwable {
        String mebibyte = "0123456789abcdef".repeat(1 << 16);
        greets(mebibyte, mebibyte);
        String x = "x".repeat(1 << 20);
        same("server stream", stream("count:4:large:1048576").rest(), List.of(x, x, x, x));
        String quarter = mebibyte.substring(0, 1 << 18);
        List<String> quarters = List.of(quarter, quarter, quarter);
        same("client stream", collects(quarters), String.join(",", quarters));
        Chat chat = new Chat(to.greeter);
        for (int i = 0; i < 3; i++) {
            chat.exchange(mebibyte, mebibyte);
        }
        chat.finish();
    }

    private void empty() throws Throwable {
        greets("", "");
        Chat chat = new Chat(to.greeter);
        chat.exchange("", "");
        chat.exchange("", "");
        chat.finish();
        same("three empty messages", collects(List.of("", "", "")), ",,");
        same("empty messages", stream("count:3:empty").rest(), List.of("", "", ""));
        same("a stream of no messages", stream("count:0:none").rest(), List.of());
        // an upload of no messages never leaves this client: it sends headers with the first message
    }

    private void many() throws Throwable {
        List<String> names = numbered("m", MANY);
        same("server stream", stream("count:" + MANY + ":m").rest(), names);
        same("client stream", collects(names), String.join(",", names));
        Chat chat = new Chat(to.greeter);
        names.forEach(chat::send);
        chat.requests.onCompleted();
        same("bidi", chat.replies.rest(), names);
    }

    private void concurrent() throws Throwable {
        List<CompletableFuture<?>> unary = new ArrayList<>();
        List<Replies<?>> streams = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            String name = "call " + i;
            unary.add(to.greeter.greetAsync(request(name)).thenAccept(r -> same("greet", r.getGreeting(), name)));
            streams.add(stream("count:20:" + name));
        }
        for (int i = 0; i < 100; i++) {
            try {
                unary.get(i).get(10, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                throw e.getCause();
            }
            same("stream", streams.get(i).rest(), numbered("call " + i, 20));
        }
    }
}
