// SPDX-License-Identifier: Apache-2.0
package interop;

import greet.Greet.GreetClientStreamRequest;
import greet.Greet.GreetClientStreamResponse;
import greet.Greet.GreetRequest;
import greet.Greet.GreetServerStreamRequest;
import greet.Greet.GreetServerStreamResponse;
import greet.Greet.GreetStreamRequest;
import greet.Greet.GreetStreamResponse;
import greet.GreetService;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.StatusRpcException;
import org.apache.dubbo.rpc.TriRpcStatus;

/** What the cases have in common: calls, and what is expected of them. */
abstract class Calling {
    final Client to;

    Calling(Client to) {
        this.to = to;
    }

    /** The cases of a theme, by name; one passes when it throws nothing. README.md one folder up says what each proves. */
    abstract Map<String, Call> cases();

    static void same(String what, Object got, Object want) {
        if (!want.equals(got)) {
            throw new AssertionError(what + ": got " + brief(got) + ", want " + brief(want));
        }
    }

    static String brief(Object o) {
        String s = String.valueOf(o);
        return s.length() > 200 ? s.substring(0, 200) + "... (" + s.length() + " letters)" : s;
    }

    static List<String> numbered(String text, int n) {
        return IntStream.range(0, n).mapToObj(i -> text + " " + i).toList();
    }

    static GreetRequest request(String name) {
        return GreetRequest.newBuilder().setName(name).build();
    }

    void greets(String name, String want) {
        same("greet", greet(to.greeter, name), want);
    }

    static String greet(GreetService greeter, String name) {
        return greeter.greet(request(name)).getGreeting();
    }

    @FunctionalInterface
    interface Call {
        void run() throws Throwable;
    }

    static Throwable thrown(Call call) {
        try {
            call.run();
        } catch (Throwable t) {
            return t;
        }
        throw new AssertionError("no error");
    }

    /** The gRPC status of an error, which dubbo wraps once or twice, or what it says of an error of its own. */
    static TriRpcStatus status(Throwable t) {
        for (Throwable c = t; c != null; c = c.getCause()) {
            if (c instanceof StatusRpcException s) {
                return s.getStatus();
            }
        }
        if (t instanceof RpcException r) {
            return TriRpcStatus.getStatus(r);
        }
        throw new AssertionError("no status in " + t, t);
    }

    /** Checks code and message of an error; a null message is any. */
    static void failed(String what, Throwable t, int code, String message) {
        if (t == null) {
            throw new AssertionError(what + ": no error");
        }
        TriRpcStatus status = status(t);
        if (status.code.code != code) {
            throw new AssertionError(what + ": got " + status.code + " " + status.description + ", want code " + code, t);
        }
        if (message != null) {
            same(what, status.description, message);
        }
    }

    boolean toJava() {
        return to.server.equals("java");
    }

    Replies<GreetServerStreamResponse> stream(String name) {
        Replies<GreetServerStreamResponse> replies = new Replies<>(GreetServerStreamResponse::getGreeting);
        to.greeter.greetServerStream(
                GreetServerStreamRequest.newBuilder().setName(name).build(), replies);
        return replies;
    }

    static final class Chat {
        final Replies<GreetStreamResponse> replies = new Replies<>(GreetStreamResponse::getGreeting);
        final StreamObserver<GreetStreamRequest> requests;

        Chat(GreetService greeter) {
            requests = greeter.greetStream(replies);
        }

        void send(String name) {
            requests.onNext(GreetStreamRequest.newBuilder().setName(name).build());
        }

        void exchange(String name, String want) throws Exception {
            send(name);
            same("bidi", replies.next(), want);
        }

        void finish() throws Throwable {
            requests.onCompleted();
            same("after the last message", replies.rest(), List.of());
        }
    }

    static final class Upload {
        final Replies<GreetClientStreamResponse> replies = new Replies<>(GreetClientStreamResponse::getGreeting);
        final StreamObserver<GreetClientStreamRequest> requests;

        Upload(GreetService greeter) {
            requests = greeter.greetClientStream(replies);
        }

        void send(String name) {
            requests.onNext(GreetClientStreamRequest.newBuilder().setName(name).build());
        }

        String answer() throws Throwable {
            requests.onCompleted();
            List<String> answers = replies.rest();
            same("number of answers", answers.size(), 1);
            return answers.get(0);
        }
    }

    String collects(List<String> names) throws Throwable {
        Upload upload = new Upload(to.greeter);
        names.forEach(upload::send);
        return upload.answer();
    }
}
