// SPDX-License-Identifier: Apache-2.0
package interop;

import greet.DubboGreetServiceTriple;
import greet.Greet.GreetClientStreamRequest;
import greet.Greet.GreetClientStreamResponse;
import greet.Greet.GreetRequest;
import greet.Greet.GreetResponse;
import greet.Greet.GreetServerStreamRequest;
import greet.Greet.GreetServerStreamResponse;
import greet.Greet.GreetStreamRequest;
import greet.Greet.GreetStreamResponse;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.TriRpcStatus;
import org.apache.dubbo.rpc.protocol.tri.h12.AttachmentHolder;

/** Does what names ask for; README.md one folder up lists them. */
final class Greeter extends DubboGreetServiceTriple.GreetServiceImplBase {
    private static final byte[] BINARY = {0, 1, (byte) 0xfe, (byte) 0xff};

    /** A unary handler is not told that its call has ended: it hangs for so long. */
    private static final long HANG_MS = 2000;

    private final String tag;
    private final Calls calls;

    Greeter(String tag, Calls calls) {
        this.tag = tag;
        this.calls = calls;
    }

    private static void failIfAsked(String name) {
        if (name.startsWith("fail:")) {
            String[] parts = name.split(":", 3);
            throw TriRpcStatus.fromCode(Integer.parseInt(parts[1]))
                    .withDescription(parts[2])
                    .asException();
        }
        if (name.startsWith("throw:")) {
            throw new IllegalStateException(name.substring(6));
        }
    }

    private static String largeOr(String name, String otherwise) {
        return name.startsWith("large:") ? "x".repeat(Integer.parseInt(name.substring(6))) : otherwise;
    }

    private static String describedMetadata() {
        Map<String, Object> got = RpcContext.getServerAttachment().getObjectAttachments();
        Object text = Client.ignoringCase(got, "ask-text");
        // dubbo decodes ask-bin and calls it ask
        Object binary = Client.ignoringCase(got, "ask");
        return "text=" + text + " bin=" + (binary instanceof byte[] b ? HexFormat.of().formatHex(b) : binary);
    }

    private static final Map<String, Object> ANSWERED = Map.of("Answer-Text", "from the trailer", "answer", BINARY);

    private String greeting(String name) {
        failIfAsked(name);
        if (name.equals("meta")) {
            return describedMetadata();
        }
        return largeOr(name, name + tag);
    }

    @Override
    public GreetResponse greet(GreetRequest request) {
        String name = request.getName();
        String greeting = greeting(name);
        if (name.startsWith("hang:")) {
            calls.began(Calls.key(name)).complete("");
            calls.ended(Calls.key(name)).completeOnTimeout("ok", HANG_MS, TimeUnit.MILLISECONDS).join();
        }
        if (name.startsWith("began:")) {
            calls.began(name.substring(6)).join();
        }
        if (name.startsWith("outcome:")) {
            greeting = calls.ended(name.substring(8)).join();
        }
        if (name.equals("meta")) {
            ANSWERED.forEach(RpcContext.getServerResponseContext()::setObjectAttachment);
        }
        return GreetResponse.newBuilder().setGreeting(greeting).build();
    }

    /** What bidi and upload have in common: names come in, the end is remembered, an exception ends the call. */
    private abstract class Names<I, O> implements StreamObserver<I> {
        private final StreamObserver<O> responses;
        private String key = "";

        Names(StreamObserver<O> responses) {
            this.responses = responses;
        }

        abstract String name(I request);

        abstract void take(String name);

        abstract void complete();

        @Override
        public void onNext(I request) {
            String name = name(request);
            if (name.equals("exit")) {
                Runtime.getRuntime().halt(3);
            }
            try {
                if (key.isEmpty() && !Calls.key(name).isEmpty()) {
                    key = Calls.key(name);
                    calls.began(key).complete("");
                }
                take(name);
            } catch (RuntimeException e) {
                end("error: " + e.getMessage());
                responses.onError(e);
            }
        }

        @Override
        public void onError(Throwable t) {
            end("canceled");
        }

        @Override
        public void onCompleted() {
            end("ok");
            complete();
        }

        private void end(String outcome) {
            if (!key.isEmpty()) {
                calls.ended(key).complete(outcome);
            }
        }
    }

    @Override
    public StreamObserver<GreetStreamRequest> greetStream(StreamObserver<GreetStreamResponse> responses) {
        String metadata = describedMetadata();
        return new Names<>(responses) {
            @Override
            String name(GreetStreamRequest request) {
                return request.getName();
            }

            @Override
            void take(String name) {
                if (name.equals("meta")) {
                    ((AttachmentHolder) responses).setResponseAttachments(ANSWERED);
                }
                String greeting = name.equals("meta") ? metadata : greeting(name);
                responses.onNext(
                        GreetStreamResponse.newBuilder().setGreeting(greeting).build());
            }

            @Override
            void complete() {
                responses.onCompleted();
            }
        };
    }

    @Override
    public StreamObserver<GreetClientStreamRequest> greetClientStream(
            StreamObserver<GreetClientStreamResponse> responses) {
        List<String> names = new ArrayList<>();
        AtomicBoolean answered = new AtomicBoolean();
        return new Names<>(responses) {
            @Override
            String name(GreetClientStreamRequest request) {
                return request.getName();
            }

            @Override
            void take(String name) {
                failIfAsked(name);
                if (answered.get()) {
                    return;
                }
                names.add(name);
                if (name.equals("enough")) {
                    complete();
                }
            }

            @Override
            void complete() {
                if (answered.compareAndSet(false, true)) {
                    responses.onNext(GreetClientStreamResponse.newBuilder()
                            .setGreeting(String.join(",", names) + tag)
                            .build());
                    responses.onCompleted();
                }
            }
        };
    }

    private static void send(StreamObserver<GreetServerStreamResponse> responses, String greeting) {
        responses.onNext(
                GreetServerStreamResponse.newBuilder().setGreeting(greeting).build());
    }

    @Override
    public void greetServerStream(
            GreetServerStreamRequest request, StreamObserver<GreetServerStreamResponse> responses) {
        String name = request.getName();
        String key = Calls.key(name);
        if (!key.isEmpty()) {
            RpcContext.getCancellationContext()
                    .addListener(context -> calls.ended(key).complete("canceled"));
            calls.began(key).complete("");
            if (name.startsWith("hang:")) {
                send(responses, name);
            } else {
                new Thread(() -> endless(key, responses)).start();
            }
            return;
        }
        if (name.startsWith("fail:") || name.startsWith("throw:")) {
            send(responses, "before 0");
            send(responses, "before 1");
            try {
                failIfAsked(name);
            } catch (RuntimeException e) {
                // thrown from here, dubbo would make it UNKNOWN "Failed to invoke remote proxy method"
                responses.onError(e);
            }
            return;
        }
        int count = 5;
        String text = name;
        if (name.startsWith("count:")) {
            String[] parts = name.split(":", 3);
            count = Integer.parseInt(parts[1]);
            text = parts[2];
        }
        for (int i = 0; i < count; i++) {
            send(responses, text.equals("empty") ? "" : largeOr(text, text + " " + i + tag));
        }
        responses.onCompleted();
    }

    /** Sends one message a millisecond, since dubbo buffers what its flow control doesn't let through. */
    private void endless(String key, StreamObserver<GreetServerStreamResponse> responses) {
        try {
            for (int i = 0; !calls.ended(key).isDone(); i++) {
                send(responses, "tick " + i);
                Thread.sleep(1);
            }
        } catch (Exception e) {
            calls.ended(key).complete("error: " + e.getMessage());
        }
    }
}
