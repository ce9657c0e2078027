// SPDX-License-Identifier: Apache-2.0
package interop;

import greet.GreetService;
import java.util.Map;

/** Which implementation answers: group, version and path. */
final class Selectors extends Calling {
    Selectors(Client to) {
        super(to);
    }

    @Override
    Map<String, Call> cases() {
        return Map.of(
                "group-version", this::groupVersion,
                "group-version-miss", this::groupVersionMiss,
                "unknown-service", this::unknownService);
    }

    private void groupVersion() throws Throwable {
        for (String[] selector : new String[][] {{"g1", "1.0.0"}, {"g2", "2.0.0"}}) {
            GreetService greeter = to.dial("", selector[0], selector[1], 10_000);
            String tag = " from " + selector[0] + "/" + selector[1];
            same("greet", greet(greeter, "triple"), "triple" + tag);
            Chat chat = new Chat(greeter);
            chat.exchange("a", "a" + tag);
            chat.finish();
        }
        greets("triple", "triple");
    }

    private void groupVersionMiss() {
        GreetService greeter = to.dial("", "g9", "9.0.0", 10_000);
        if (toJava()) {
            // it answers from another group and version, the plain one here
            same("fallback", greet(greeter, "triple"), "triple");
            return;
        }
        Throwable t = thrown(() -> greet(greeter, "triple"));
        failed("miss", t, 12, null);
        String message = status(t).description;
        if (!message.contains("g9") || !message.contains("9.0.0")) {
            throw new AssertionError("the message does not name group and version: " + message);
        }
    }

    private void unknownService() {
        GreetService nobody = to.dial("/greet.Nobody", null, null, 10_000);
        failed("unknown service", thrown(() -> greet(nobody, "triple")), 12, null);
    }
}
