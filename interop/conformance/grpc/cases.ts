// SPDX-License-Identifier: Apache-2.0
// gRPC's interop cases from the client's side, as doc/interop-test-descriptions.md of grpc/grpc has them.
import assert from "node:assert/strict";
import { type CallOptions, Code, ConnectError, createClient, type Transport } from "@tristream/node";
import { TestService, UnimplementedService } from "./gen/grpc/testing/test_pb.js";
import { echoed } from "./service.js";

const requestSizes = [27182, 8, 1828, 45904];
const responseSizes = [31415, 9, 2653, 58979];
const large = { request: 271828, response: 314159 };
/** No case takes so long, unless it hangs. */
const patienceMs = 60_000;

const metadata = {
  [echoed.initial]: "test_initial_metadata_value",
  // 0xababab in base64
  [echoed.trailing]: "q6ur",
};

const zeros = (size: number): { body: Uint8Array<ArrayBuffer> } => ({ body: new Uint8Array(size) });
const sizeOf = (answer: { payload?: { body: Uint8Array } | undefined } | undefined): number | undefined =>
  answer?.payload?.body.length;

const clientOf = (transport: Transport) => createClient(TestService, transport, { timeoutMs: patienceMs });

/** Each rejects when the server, or the client, does not do as the case says. */
export const cases: Readonly<Record<string, (transport: Transport) => Promise<void>>> = {
  async empty_unary(transport) {
    await clientOf(transport).emptyCall({});
  },

  async large_unary(transport) {
    const answer = await clientOf(transport).unaryCall({
      responseSize: large.response,
      payload: zeros(large.request),
    });
    assert.equal(sizeOf(answer), large.response);
  },

  async client_streaming(transport) {
    const upload = clientOf(transport).streamingInputCall();
    for (const size of requestSizes) await upload.send({ payload: zeros(size) });
    assert.equal((await upload.closeAndReceive()).aggregatedPayloadSize, 74922);
  },

  async server_streaming(transport) {
    const sizes: (number | undefined)[] = [];
    const responseParameters = responseSizes.map((size) => ({ size }));
    for await (const answer of clientOf(transport).streamingOutputCall({ responseParameters }))
      sizes.push(sizeOf(answer));
    assert.deepEqual(sizes, responseSizes);
  },

  async ping_pong(transport) {
    await using chat = clientOf(transport).fullDuplexCall();
    for (const [at, size] of requestSizes.entries()) {
      const responseParameters = [{ size: responseSizes[at]! }];
      await chat.send({ responseParameters, payload: zeros(size) });
      assert.equal(sizeOf(await chat.receive()), responseSizes[at]);
    }
    await chat.closeRequest();
    assert.equal(await chat.receive(), undefined);
  },

  async empty_stream(transport) {
    await using chat = clientOf(transport).fullDuplexCall();
    await chat.closeRequest();
    assert.equal(await chat.receive(), undefined);
  },

  async custom_metadata(transport) {
    const got: Record<string, string | null> = {};
    const options: CallOptions = {
      headers: metadata,
      onHeader: (headers) => {
        got[echoed.initial] = headers.get(echoed.initial);
      },
      onTrailer: (trailers) => {
        got[echoed.trailing] = trailers.get(echoed.trailing);
      },
    };
    await clientOf(transport).unaryCall({ responseSize: 1, payload: zeros(1) }, options);
    assert.deepEqual(got, metadata);

    await using chat = clientOf(transport).fullDuplexCall({ headers: metadata });
    await chat.send({ responseParameters: [{ size: 1 }], payload: zeros(1) });
    await chat.closeRequest();
    assert.equal(sizeOf(await chat.receive()), 1);
    assert.equal(await chat.receive(), undefined);
    assert.equal((await chat.responseHeader).get(echoed.initial), metadata[echoed.initial]);
    assert.equal((await chat.responseTrailer).get(echoed.trailing), metadata[echoed.trailing]);
  },

  async status_code_and_message(transport) {
    const responseStatus = { code: Code.Unknown, message: "test status message" };
    await fails(clientOf(transport).unaryCall({ responseStatus }), Code.Unknown, responseStatus.message);
    await using chat = clientOf(transport).fullDuplexCall();
    await chat.send({ responseStatus });
    await chat.closeRequest();
    await fails(chat.receive(), Code.Unknown, responseStatus.message);
  },

  async special_status_message(transport) {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    const call = clientOf(transport).unaryCall({ responseStatus: { code: Code.Unknown, message } });
    await fails(call, Code.Unknown, message);
  },

  async unimplemented_method(transport) {
    await fails(clientOf(transport).unimplementedCall({}), Code.Unimplemented);
  },

  async unimplemented_service(transport) {
    await fails(createClient(UnimplementedService, transport).unimplementedCall({}), Code.Unimplemented);
  },

  async cancel_after_begin(transport) {
    const upload = clientOf(transport).streamingInputCall({ headers: metadata });
    upload.cancel();
    await fails(upload.closeAndReceive(), Code.Canceled);
  },

  async cancel_after_first_response(transport) {
    const chat = clientOf(transport).fullDuplexCall();
    await chat.send({ responseParameters: [{ size: 31415 }], payload: zeros(27182) });
    assert.equal(sizeOf(await chat.receive()), 31415);
    chat.cancel();
    await fails(chat.receive(), Code.Canceled);
  },

  async timeout_on_sleeping_server(transport) {
    const chat = clientOf(transport).fullDuplexCall({ timeoutMs: 1 });
    // The deadline may pass before the message is sent.
    await chat.send({ payload: zeros(27182) }).catch(() => {});
    await fails(chat.receive(), Code.DeadlineExceeded);
  },

  async client_compressed_unary(transport) {
    const call = (compress: boolean, expected: boolean): Promise<unknown> =>
      clientOf(transport).unaryCall(
        {
          expectCompressed: { value: expected },
          responseSize: large.response,
          payload: zeros(large.request),
        },
        { compress },
      );
    await fails(call(false, true), Code.InvalidArgument);
    await call(true, true);
    await call(false, false);
  },

  async server_compressed_unary(transport) {
    for (const value of [true, false]) {
      let compressed: boolean | undefined;
      const answer = await clientOf(transport).unaryCall(
        { responseCompressed: { value }, responseSize: large.response, payload: zeros(large.request) },
        {
          onCompressed: (came) => {
            compressed = came;
          },
        },
      );
      assert.equal(sizeOf(answer), large.response);
      assert.equal(compressed, value);
    }
  },

  async client_compressed_streaming(transport) {
    const probe = clientOf(transport).streamingInputCall();
    await probe.send({ expectCompressed: { value: true }, payload: zeros(27182) }, { compress: false });
    await fails(probe.closeAndReceive(), Code.InvalidArgument);

    const upload = clientOf(transport).streamingInputCall();
    await upload.send({ expectCompressed: { value: true }, payload: zeros(27182) }, { compress: true });
    await upload.send({ expectCompressed: { value: false }, payload: zeros(45904) }, { compress: false });
    assert.equal((await upload.closeAndReceive()).aggregatedPayloadSize, 73086);
  },

  async server_compressed_streaming(transport) {
    const expected = [
      { compressed: true, size: 31415 },
      { compressed: false, size: 92653 },
    ];
    const stream = clientOf(transport).streamingOutputCall({
      responseParameters: expected.map(({ compressed, size }) => ({
        size,
        compressed: { value: compressed },
      })),
    });
    for (const { compressed, size } of expected) {
      assert.equal(sizeOf(await stream.receive()), size);
      assert.equal(stream.responseCompressed, compressed);
    }
    assert.equal(await stream.receive(), undefined);
  },
};

/** Rejects unless a call fails with a code, and with a text if one is given. */
async function fails(call: Promise<unknown>, code: Code, text?: string): Promise<void> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, `no error: ${Code[code]} is expected`);
  assert.equal(Code[error.code], Code[code], error.message);
  assert.equal(error.rawMessage, text ?? error.rawMessage);
}
