// SPDX-License-Identifier: Apache-2.0
package interop;

import greet.GreetService;
import java.util.Arrays;
import java.util.Map;

/** Calls that somebody or something ends; the server tells what its handler saw. */
final class Endings extends Calling {
    Endings(Client to) {
        super(to);
    }

    @Override
    Map<String, Call> cases() {
        return Map.of(
                "deadline", this::deadline,
                "cancel-server-stream", this::cancelServerStream,
                "cancel-client-stream", this::cancelClientStream,
                "cancel-bidi-stream", this::cancelBidiStream,
                "drain", this::drain,
                "crash", this::crash);
    }

    private static String key(String name) {
        return "java-" + ProcessHandle.current().pid() + "-" + name;
    }

    private void outcome(String key, String... wants) {
        String got = greet(to.greeter, "outcome:" + key);
        if (!Arrays.asList(wants).contains(got)) {
            throw new AssertionError("the server's handler saw " + got + ", want " + String.join(" or ", wants));
        }
    }

    private void deadline() {
        String id = key("deadline");
        GreetService impatient = to.dial("", null, null, 500);
        failed("deadline", thrown(() -> greet(impatient, "hang:" + id)), 4, null);
        if (!toJava()) { // a running unary handler is not told there
            outcome(id, "deadline_exceeded", "canceled");
        }
    }

    private void cancelServerStream() throws Exception {
        String id = key("cancel-server-stream");
        Replies<?> replies = stream("endless:" + id);
        for (int i = 0; i < 3; i++) {
            same("message", replies.next(), "tick " + i);
        }
        replies.cancel(new RuntimeException("enough"));
        outcome(id, "canceled");
    }

    /** An upload that was cancelled must not look complete. */
    private void cancelClientStream() {
        String id = key("cancel-client-stream");
        Upload upload = new Upload(to.greeter);
        upload.send("track:" + id);
        upload.send("two");
        greets("began:" + id, "began:" + id);
        upload.replies.cancel(new RuntimeException("enough"));
        outcome(id, "canceled");
    }

    private void cancelBidiStream() throws Exception {
        String id = key("cancel-bidi-stream");
        Chat chat = new Chat(to.greeter);
        chat.exchange("track:" + id, "track:" + id);
        chat.replies.cancel(new RuntimeException("enough"));
        outcome(id, "canceled");
    }

    /** The server begins to shut down; a stream that is open may still finish. */
    private void drain() throws Throwable {
        Chat chat = new Chat(to.greeter);
        chat.exchange("drain", "ready");
        greets("shutdown", "shutdown");
        same("shutdown", chat.replies.next(), "draining");
        chat.exchange("last words", "last words");
        chat.finish();
    }

    /** The server's process ends in the middle of a stream. */
    private void crash() throws Exception {
        Chat chat = new Chat(to.greeter);
        chat.exchange("one", "one");
        chat.send("exit");
        if (chat.replies.failure() == null) {
            throw new AssertionError("the stream of a server that crashed looks complete");
        }
    }
}
