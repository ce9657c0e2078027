// SPDX-License-Identifier: Apache-2.0
package interop;

import greet.Greet.GreetServerStreamRequest;
import greet.Greet.GreetServerStreamResponse;
import greet.GreetService;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.dubbo.rpc.TriRpcStatus;
import org.apache.dubbo.rpc.protocol.tri.CancelableStreamObserver;

/** Storms PORT:STREAMS:ANSWERED:NAME...: as ../storms/client.ts. */
public final class Storms {
    private static final int DEADLINES = 10_000;

    /** A call that is late keeps its stream until it is answered, and dubbo fails calls beyond the server's 1024 streams. */
    private static final int AT_ONCE = 200;


    /** Of calls that take about a millisecond: every other one may be late. */
    private static final int[] TIMEOUTS = {2, 10_000, 50, 10_000};

    private static final long PATIENCE_SECONDS = 20;

    private final AtomicInteger cancelled = new AtomicInteger();
    private final AtomicInteger messages = new AtomicInteger();
    private final AtomicInteger good = new AtomicInteger();
    private final AtomicInteger ok = new AtomicInteger();
    private final AtomicInteger late = new AtomicInteger();
    private final Map<String, Integer> wrong = new TreeMap<>();
    private final String url;
    private final GreetService greeter;

    private Storms(String port) {
        url = "tri://127.0.0.1:" + port;
        greeter = Client.reference(url, null, null, 10_000);
    }

    private synchronized void fail(String what, Throwable t) {
        String line = what + ": " + String.valueOf(t).replaceAll("[\"\\\\\\p{Cntrl}]", " ");
        wrong.merge(line.substring(0, Math.min(300, line.length())), 1, Integer::sum);
    }

    private void goOn() throws Exception {
        List<CompletableFuture<?>> calls = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            String name = "call " + i;
            calls.add(greeter.greetAsync(Calling.request(name)).handle((reply, t) -> {
                if (t == null && reply.getGreeting().equals(name)) {
                    good.incrementAndGet();
                } else {
                    fail("a call after the storm", t);
                }
                return null;
            }));
        }
        CompletableFuture.allOf(calls.toArray(new CompletableFuture[0])).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        Replies<GreetServerStreamResponse> replies = new Replies<>(GreetServerStreamResponse::getGreeting);
        greeter.greetServerStream(request("count:100:m"), replies);
        try {
            Calling.same("stream", replies.rest(), Calling.numbered("m", 100));
            good.incrementAndGet();
        } catch (Throwable t) {
            fail("a stream after the storm", t);
        }
    }

    private static GreetServerStreamRequest request(String name) {
        return GreetServerStreamRequest.newBuilder().setName(name).build();
    }

    /** A stream that counts its messages. */
    private final class Counting extends CancelableStreamObserver<GreetServerStreamResponse> {
        final CompletableFuture<Throwable> end = new CompletableFuture<>();
        private final CountDownLatch enough;
        private boolean answered;

        Counting(CountDownLatch enough) {
            this.enough = enough;
        }

        @Override
        public void onNext(GreetServerStreamResponse reply) {
            messages.incrementAndGet();
            if (!answered) {
                answered = true;
                enough.countDown();
            }
        }

        @Override
        public void onError(Throwable t) {
            end.complete(t);
        }

        @Override
        public void onCompleted() {
            end.complete(new AssertionError("ended well"));
        }
    }

    private void cancelAll(int count, int answered, String name) throws Exception {
        CountDownLatch enough = new CountDownLatch(answered);
        List<Counting> streams = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Counting stream = new Counting(enough);
            streams.add(stream);
            greeter.greetServerStream(request(name), stream);
        }
        if (!enough.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            fail("streams", new AssertionError(enough.getCount() + " more had to answer"));
        }
        for (Counting stream : streams) {
            stream.cancel(new RuntimeException("enough"));
        }
        // dubbo tells the observer of a stream nothing more once it has cancelled the stream itself
        for (Counting stream : streams) {
            Throwable t = stream.end.getNow(null);
            if (t == null || !(t instanceof AssertionError) && Calling.status(t).code == TriRpcStatus.Code.CANCELLED) {
                cancelled.incrementAndGet();
            } else {
                fail("a cancelled stream", t);
            }
        }
    }

    private void haveDeadlines() throws Exception {
        GreetService[] greeters = new GreetService[TIMEOUTS.length];
        for (int i = 0; i < TIMEOUTS.length; i++) {
            greeters[i] = Client.reference(url, null, null, TIMEOUTS[i]);
        }
        Semaphore places = new Semaphore(AT_ONCE);
        for (int i = 0; i < DEADLINES; i++) {
            places.acquire();
            greeters[i % greeters.length].greetAsync(Calling.request("ms:1")).whenComplete((reply, t) -> {
                places.release();
                if (t == null) {
                    ok.incrementAndGet();
                } else if (Calling.status(t).code == TriRpcStatus.Code.DEADLINE_EXCEEDED) {
                    late.incrementAndGet();
                } else {
                    fail("a call with a deadline", t);
                }
            });
        }
        if (!places.tryAcquire(AT_ONCE, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            fail("calls with deadlines", new AssertionError("some did not settle"));
        }
    }

    private String result() {
        String reasons = wrong.entrySet().stream()
                .map(entry -> "\"" + entry.getKey() + "\":" + entry.getValue())
                .collect(Collectors.joining(",", "{", "}"));
        return "{\"cancelled\":%s,\"messages\":%s,\"good\":%s,\"ok\":%s,\"late\":%s,\"wrong\":%s}"
                .formatted(cancelled, messages, good, ok, late, reasons);
    }

    public static void main(String[] args) throws Exception {
        Client.start();
        for (String target : args) {
            String[] parts = target.split(":", 4);
            Storms storms = new Storms(parts[0]);
            storms.goOn();
            storms.cancelAll(Integer.parseInt(parts[1]), Integer.parseInt(parts[2]), parts[3]);
            storms.goOn();
            if (target.equals(args[0])) {
                storms.haveDeadlines();
                storms.goOn();
            }
            System.out.println("RESULT " + storms.result());
            System.out.flush();
        }
        // its own threads would keep the process
        Runtime.getRuntime().halt(0);
    }
}
