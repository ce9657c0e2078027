// SPDX-License-Identifier: Apache-2.0
package greet;

import greet.Greet.GreetClientStreamRequest;
import greet.Greet.GreetClientStreamResponse;
import greet.Greet.GreetRequest;
import greet.Greet.GreetResponse;
import greet.Greet.GreetServerStreamRequest;
import greet.Greet.GreetServerStreamResponse;
import greet.Greet.GreetStreamRequest;
import greet.Greet.GreetStreamResponse;
import java.util.concurrent.CompletableFuture;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.rpc.model.DubboStub;

/**
 * The Triple interface of greet.GreetService, written by hand in the shape that dubbo's protoc plugin gives it. Its Java
 * name is the schema's: with two names, several groups and versions on one port all reach the last one.
 */
public interface GreetService extends DubboStub {
    String SERVICE_NAME = "greet.GreetService";

    GreetResponse greet(GreetRequest request);

    CompletableFuture<GreetResponse> greetAsync(GreetRequest request);

    StreamObserver<GreetStreamRequest> greetStream(StreamObserver<GreetStreamResponse> responses);

    StreamObserver<GreetClientStreamRequest> greetClientStream(StreamObserver<GreetClientStreamResponse> responses);

    void greetServerStream(GreetServerStreamRequest request, StreamObserver<GreetServerStreamResponse> responses);
}
