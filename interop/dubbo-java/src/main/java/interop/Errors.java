// SPDX-License-Identifier: Apache-2.0
package interop;

import java.util.List;
import java.util.Map;
import org.apache.dubbo.rpc.TriRpcStatus;

/** Calls that fail: code and message arrive whole, and so does what came before. */
final class Errors extends Calling {
    /** What an encoder of grpc-message can get wrong: Latin-1, more than Latin-1, a bare and a decodable percent, a plus. */
    private static final String TEXT = "nöt hére: 100% \"你好\" 1+1 %41";

    Errors(Client to) {
        super(to);
    }

    @Override
    Map<String, Call> cases() {
        return Map.of(
                "error", this::error,
                "error-mid-stream", this::errorMidStream,
                "error-early", this::errorEarly,
                "exception", this::exception,
                "early-answer", this::earlyAnswer);
    }

    /** The error text that this client can read from that server. */
    private String text() {
        return switch (to.server) {
            // dubbo-go puts the text raw into grpc-status-details-bin, where this client decodes it once more
            case "go" -> "nöt hére \"你好\"";
            // dubbo-java sends it raw, in Latin-1
            case "java" -> "not here";
            default -> TEXT;
        };
    }

    /** dubbo-java puts the code before the text that it was given. */
    private String textOf(TriRpcStatus.Code code, String text) {
        return toJava() ? code + " : " + text : text;
    }

    private void error() {
        for (TriRpcStatus.Code code : TriRpcStatus.Code.values()) {
            if (code != TriRpcStatus.Code.OK) {
                Throwable t = thrown(() -> greet(to.greeter, "fail:" + code.code + ":" + text()));
                failed("fail:" + code.code, t, code.code, textOf(code, text()));
            }
        }
        greets("still here", "still here");
    }

    private void errorMidStream() throws Exception {
        Replies<?> replies = stream("fail:5:" + text());
        failed("mid-stream", replies.failure(), 5, textOf(TriRpcStatus.Code.NOT_FOUND, text()));
        same("before the error", replies.received(), numbered("before", 2));
    }

    private void errorEarly() throws Exception {
        Chat chat = new Chat(to.greeter);
        chat.exchange("one", "one");
        chat.send("fail:9:stop it");
        failed("early error", chat.replies.failure(), 9, textOf(TriRpcStatus.Code.FAILED_PRECONDITION, "stop it"));
        for (int i = 0; i < 100; i++) {
            try {
                chat.send("more");
            } catch (RuntimeException e) {
                break;
            }
        }
        greets("still here", "still here");
    }

    private void exception() {
        if (to.server.equals("go")) {
            // this client has no code 17, which dubbo-go sends: it says CANCELLED, without a message
            failed("exception", thrown(() -> greet(to.greeter, "throw:broken")), 1, null);
            return;
        }
        Throwable t = thrown(() -> greet(to.greeter, "throw:broken"));
        failed("exception", t, toJava() ? 2 : 13, toJava() ? "broken" : null);
        if (!toJava() && status(t).description.contains("broken")) {
            throw new AssertionError("the error shows what the handler threw: " + status(t).description);
        }
    }

    private void earlyAnswer() throws Throwable {
        Upload upload = new Upload(to.greeter);
        upload.send("one");
        upload.send("enough");
        same("answer", upload.replies.next(), "one,enough");
        try {
            for (int i = 0; i < 100; i++) {
                upload.send("more");
            }
        } catch (RuntimeException e) {
            // it may say that the call has ended
        }
        same("rest", upload.replies.rest(), List.of());
    }
}
