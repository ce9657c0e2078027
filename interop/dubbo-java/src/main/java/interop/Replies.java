// SPDX-License-Identifier: Apache-2.0
package interop;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.dubbo.rpc.protocol.tri.CancelableStreamObserver;

/** What a stream's caller received: messages in order, then how the stream ended. */
final class Replies<T> extends CancelableStreamObserver<T> {
    private static final long WAIT_SECONDS = 15;

    private final BlockingQueue<String> greetings = new LinkedBlockingQueue<>();
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private final Function<T, String> greeting;

    Replies(Function<T, String> greeting) {
        this.greeting = greeting;
    }

    @Override
    public void onNext(T reply) {
        greetings.add(greeting.apply(reply));
    }

    @Override
    public void onError(Throwable t) {
        end.completeExceptionally(t);
    }

    @Override
    public void onCompleted() {
        end.complete(null);
    }

    /** The next message. */
    String next() throws InterruptedException {
        String greeting = greetings.poll(WAIT_SECONDS, TimeUnit.SECONDS);
        if (greeting == null) {
            throw new AssertionError("no message within " + WAIT_SECONDS + " s; the stream's end is " + end);
        }
        return greeting;
    }

    /** The messages that are left, after the good end of the stream. */
    List<String> rest() throws Throwable {
        Throwable failure = failure();
        if (failure != null) {
            throw failure;
        }
        return received();
    }

    List<String> received() {
        List<String> all = new ArrayList<>();
        greetings.drainTo(all);
        return all;
    }

    /** The error that ended the stream, or null. */
    Throwable failure() throws Exception {
        return end.handle((ok, t) -> t).get(WAIT_SECONDS, TimeUnit.SECONDS);
    }
}
