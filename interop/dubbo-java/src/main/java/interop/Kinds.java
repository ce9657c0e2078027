// SPDX-License-Identifier: Apache-2.0
package interop;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The four kinds of call, each with several messages. */
final class Kinds extends Calling {
    Kinds(Client to) {
        super(to);
    }

    @Override
    Map<String, Call> cases() {
        return Map.of(
                "unary", this::unary,
                "server-stream", this::serverStream,
                "client-stream", this::clientStream,
                "bidi-stream", this::bidiStream);
    }

    private void unary() throws Exception {
        for (String name : List.of("triple", "你好, wörld 🚀", "a,b", "n".repeat(1000))) {
            greets(name, name);
        }
        same("async", to.greeter.greetAsync(request("later")).get(10, TimeUnit.SECONDS).getGreeting(), "later");
    }

    private void serverStream() throws Throwable {
        same("default", stream("triple").rest(), numbered("triple", 5));
        same("seven", stream("count:7:你好").rest(), numbered("你好", 7));
    }

    private void clientStream() throws Throwable {
        same("joined", collects(List.of("one", "two", "ç", "four", "你好")), "one,two,ç,four,你好");
    }

    private void bidiStream() throws Throwable {
        Chat chat = new Chat(to.greeter);
        for (String name : List.of("one", "two", "你好", "four", "five")) {
            chat.exchange(name, name);
        }
        chat.finish();
    }
}
