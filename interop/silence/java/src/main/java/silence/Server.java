// SPDX-License-Identifier: Apache-2.0
package silence;

import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * A server with grpc-java's default enforcement of PINGs. Prints "READY PORT". A server stream gets one message, and a second one
 * after 370 s of silence. A unary call is never answered.
 */
public final class Server {
  private static final int SILENCE_SECONDS = 370;
  private static final String SERVICE = "greet.GreetService";

  /** A message of greet.GreetService: one string, field 1. */
  private static byte[] message(String text) {
    byte[] message = new byte[text.length() + 2];
    message[0] = 10;
    message[1] = (byte) text.length();
    for (int i = 0; i < text.length(); i++) message[i + 2] = (byte) text.charAt(i);
    return message;
  }

  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  private static MethodDescriptor<byte[], byte[]> method(String name, MethodDescriptor.MethodType type) {
    return MethodDescriptor.newBuilder(BYTES, BYTES)
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
        .build();
  }

  public static void main(String[] args) throws Exception {
    ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
    var service =
        ServerServiceDefinition.builder(SERVICE)
            .addMethod(
                method("Greet", MethodDescriptor.MethodType.UNARY),
                ServerCalls.asyncUnaryCall((request, answer) -> {}))
            .addMethod(
                method("GreetServerStream", MethodDescriptor.MethodType.SERVER_STREAMING),
                ServerCalls.asyncServerStreamingCall(
                    (request, answer) -> {
                      answer.onNext(message("first"));
                      later.schedule(
                          () -> {
                            answer.onNext(message("last"));
                            answer.onCompleted();
                          },
                          SILENCE_SECONDS,
                          TimeUnit.SECONDS);
                    }))
            .build();
    var server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0)).addService(service).build().start();
    System.out.println("READY " + server.getPort());
    server.awaitTermination();
  }
}
