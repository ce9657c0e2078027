// SPDX-License-Identifier: Apache-2.0
package greet;

import com.google.protobuf.Message;
import greet.Greet.GreetClientStreamRequest;
import greet.Greet.GreetClientStreamResponse;
import greet.Greet.GreetRequest;
import greet.Greet.GreetResponse;
import greet.Greet.GreetServerStreamRequest;
import greet.Greet.GreetServerStreamResponse;
import greet.Greet.GreetStreamRequest;
import greet.Greet.GreetStreamResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.PathResolver;
import org.apache.dubbo.rpc.ServerService;
import org.apache.dubbo.rpc.model.MethodDescriptor.RpcType;
import org.apache.dubbo.rpc.model.ServiceDescriptor;
import org.apache.dubbo.rpc.model.StubMethodDescriptor;
import org.apache.dubbo.rpc.model.StubServiceDescriptor;
import org.apache.dubbo.rpc.protocol.tri.service.SchemaDescriptorRegistry;
import org.apache.dubbo.rpc.service.Destroyable;
import org.apache.dubbo.rpc.stub.BiStreamMethodHandler;
import org.apache.dubbo.rpc.stub.ServerStreamMethodHandler;
import org.apache.dubbo.rpc.stub.StubInvocationUtil;
import org.apache.dubbo.rpc.stub.StubInvoker;
import org.apache.dubbo.rpc.stub.StubMethodHandler;
import org.apache.dubbo.rpc.stub.StubSuppliers;
import org.apache.dubbo.rpc.stub.UnaryStubMethodHandler;

/** Client stub and server base of GreetService. The name matters: dubbo finds the stub of X as DubboXTriple beside it. */
public final class DubboGreetServiceTriple {
    private DubboGreetServiceTriple() {}

    @FunctionalInterface
    private interface Parse {
        Object from(byte[] bytes) throws Exception;
    }

    private static final StubServiceDescriptor SERVICE =
            new StubServiceDescriptor(GreetService.SERVICE_NAME, GreetService.class);

    private static final StubMethodDescriptor GREET = unary(GreetResponse.class);
    private static final StubMethodDescriptor GREET_FUTURE = unary(CompletableFuture.class);
    private static final StubMethodDescriptor GREET_STREAM = method(
            "GreetStream",
            GreetStreamRequest.class,
            GreetStreamResponse.class,
            RpcType.BI_STREAM,
            GreetStreamRequest::parseFrom,
            GreetStreamResponse::parseFrom);
    private static final StubMethodDescriptor GREET_CLIENT_STREAM = method(
            "GreetClientStream",
            GreetClientStreamRequest.class,
            GreetClientStreamResponse.class,
            RpcType.CLIENT_STREAM,
            GreetClientStreamRequest::parseFrom,
            GreetClientStreamResponse::parseFrom);
    private static final StubMethodDescriptor GREET_SERVER_STREAM = method(
            "GreetServerStream",
            GreetServerStreamRequest.class,
            GreetServerStreamResponse.class,
            RpcType.SERVER_STREAM,
            GreetServerStreamRequest::parseFrom,
            GreetServerStreamResponse::parseFrom);

    static {
        for (StubMethodDescriptor m : List.of(GREET, GREET_STREAM, GREET_CLIENT_STREAM, GREET_SERVER_STREAM)) {
            SERVICE.addMethod(m);
        }
        SchemaDescriptorRegistry.addSchemaDescriptor(GreetService.SERVICE_NAME, Greet.getDescriptor());
        StubSuppliers.addSupplier(GreetService.SERVICE_NAME, DubboGreetServiceTriple::newStub);
        StubSuppliers.addDescriptor(GreetService.SERVICE_NAME, SERVICE);
    }

    private static StubMethodDescriptor unary(Class<?> returns) {
        return method(
                "Greet",
                GreetRequest.class,
                returns,
                RpcType.UNARY,
                GreetRequest::parseFrom,
                GreetResponse::parseFrom);
    }

    private static StubMethodDescriptor method(
            String name, Class<?> takes, Class<?> returns, RpcType type, Parse request, Parse response) {
        return new StubMethodDescriptor(
                name,
                takes,
                returns,
                type,
                o -> ((Message) o).toByteArray(),
                o -> ((Message) o).toByteArray(),
                request::from,
                response::from);
    }

    @SuppressWarnings("unchecked")
    public static GreetService newStub(Invoker<?> invoker) {
        return new Stub((Invoker<GreetService>) invoker);
    }

    private static final class Stub implements GreetService, Destroyable {
        private final Invoker<GreetService> invoker;

        Stub(Invoker<GreetService> invoker) {
            this.invoker = invoker;
        }

        @Override
        public void $destroy() {
            invoker.destroy();
        }

        @Override
        public GreetResponse greet(GreetRequest request) {
            return StubInvocationUtil.unaryCall(invoker, GREET, request);
        }

        @Override
        public CompletableFuture<GreetResponse> greetAsync(GreetRequest request) {
            return StubInvocationUtil.unaryCall(invoker, GREET_FUTURE, request);
        }

        @Override
        public StreamObserver<GreetStreamRequest> greetStream(StreamObserver<GreetStreamResponse> responses) {
            return StubInvocationUtil.biOrClientStreamCall(invoker, GREET_STREAM, responses);
        }

        @Override
        public StreamObserver<GreetClientStreamRequest> greetClientStream(
                StreamObserver<GreetClientStreamResponse> responses) {
            return StubInvocationUtil.biOrClientStreamCall(invoker, GREET_CLIENT_STREAM, responses);
        }

        @Override
        public void greetServerStream(
                GreetServerStreamRequest request, StreamObserver<GreetServerStreamResponse> responses) {
            StubInvocationUtil.serverStreamCall(invoker, GREET_SERVER_STREAM, request, responses);
        }
    }

    /** Extend it for a server. */
    public abstract static class GreetServiceImplBase implements GreetService, ServerService<GreetService> {
        @Override
        public CompletableFuture<GreetResponse> greetAsync(GreetRequest request) {
            return CompletableFuture.completedFuture(greet(request));
        }

        private void greetUnary(GreetRequest request, StreamObserver<GreetResponse> responses) {
            responses.onNext(greet(request));
            responses.onCompleted();
        }

        @Override
        public final Invoker<GreetService> getInvoker(URL url) {
            Map<String, StubMethodHandler<?, ?>> handlers = Map.of(
                    "Greet", new UnaryStubMethodHandler<GreetRequest, GreetResponse>(this::greetUnary),
                    "GreetStream", new BiStreamMethodHandler<GreetStreamRequest, GreetStreamResponse>(this::greetStream),
                    "GreetClientStream",
                            new BiStreamMethodHandler<GreetClientStreamRequest, GreetClientStreamResponse>(
                                    this::greetClientStream),
                    "GreetServerStream",
                            new ServerStreamMethodHandler<GreetServerStreamRequest, GreetServerStreamResponse>(
                                    this::greetServerStream));
            PathResolver paths = url.getOrDefaultFrameworkModel()
                    .getExtensionLoader(PathResolver.class)
                    .getDefaultExtension();
            for (String name : handlers.keySet()) {
                paths.addNativeStub("/" + SERVICE_NAME + "/" + name);
            }
            return new StubInvoker<>(this, url, GreetService.class, handlers);
        }

        @Override
        public final ServiceDescriptor getServiceDescriptor() {
            return SERVICE;
        }
    }
}
