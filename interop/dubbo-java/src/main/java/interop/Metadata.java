// SPDX-License-Identifier: Apache-2.0
package interop;

import java.util.Arrays;
import java.util.Map;
import org.apache.dubbo.rpc.RpcContext;

/** Attachments both ways; this client sees those of trailers, of unary calls. */
final class Metadata extends Calling {
    private static final byte[] BINARY = {0, 1, (byte) 0xfe, (byte) 0xff};
    private static final String DESCRIBED = "text=a plain value bin=0001feff";

    Metadata(Client to) {
        super(to);
    }

    @Override
    Map<String, Call> cases() {
        return Map.of(
                "metadata", this::metadata,
                "metadata-stream", this::metadataStream);
    }

    /** One key in mixed case, so that tri-header-convert is sent; bytes under "ask" become the header ask-bin. */
    private static void attach() {
        RpcContext.getClientAttachment().setAttachment("Ask-Text", "a plain value");
        RpcContext.getClientAttachment().setObjectAttachment("ask", BINARY);
    }

    private void metadata() {
        attach();
        greets("meta", DESCRIBED);
        Map<String, Object> answered = RpcContext.getClientResponseContext().getObjectAttachments();
        same("answer-text in " + answered, Client.ignoringCase(answered, "answer-text"), "from the trailer");
        if (!(Client.ignoringCase(answered, "answer") instanceof byte[] bytes) || !Arrays.equals(bytes, BINARY)) {
            throw new AssertionError("answer-bin did not arrive in " + answered);
        }
    }

    /** This client shows a stream's caller no response metadata. */
    private void metadataStream() throws Throwable {
        attach();
        Chat chat = new Chat(to.greeter);
        chat.exchange("meta", DESCRIBED);
        chat.finish();
    }
}
