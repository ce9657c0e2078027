// SPDX-License-Identifier: Apache-2.0
// Mutant: services/src/reflection/schema.ts # if (!this.symbols.has(name)) this.addRenamed(name, service);
// Mutant: services/src/reflection/schema.ts # [service.file, ...messages] => [service.file]
// Mutant: services/src/reflection/register-reflection.ts # || !sent.has(each) => || true
// Mutant: services/src/reflection/reflect.ts # if (!files.byName.has(name)) await => if (false) await
// Mutant: services/src/reflection/reflect.ts # this.older = true;
// Mutant: services/src/reflection/reflect.ts # if (this.received > mostFiles) => if (false)
// Mutant: services/src/reflection/reflect.ts # if (this.bytes > mostBytes) => if (false)
// Mutant: services/src/reflection/reflect.ts # const file = read(bytes); => const file = fromBinary(FileDescriptorProtoSchema, bytes);
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, file_google_protobuf_empty } from "@bufbuild/protobuf/wkt";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, createClient, type TripleRouter } from "@tristream/node";
import { createHealth, reflect, registerReflection } from "@tristream/services";
import { loopback } from "@tristream/testing";
import { errorOf } from "../../core/tests/events.js";
import { ServerReflection } from "../src/schemas/grpc/reflection/v1/reflection_pb.js";

const older = "grpc.reflection.v1alpha.ServerReflection";

const greeter = {
  greet: ({ name }: { name: string }) => ({ greeting: `hello ${name}` }),
  async *greetStream(requests: AsyncIterable<{ name: string }>) {
    for await (const { name } of requests) yield { greeting: `hello ${name}` };
  },
};

function start(routes: (router: TripleRouter) => unknown = () => {}) {
  return loopback({
    routes: (router) => {
      registerReflection(router);
      router.service(GreetService, greeter);
      routes(router);
    },
  });
}

describe.each([
  ["v1", {}],
  ["v1alpha", { interface: older }],
])("%s", (_version, options) => {
  async function ask(question: object, link = start()) {
    await using _link = link;
    const client = createClient(ServerReflection, link.transport, options);
    const stream = client.serverReflectionInfo([{ host: "h", messageRequest: question as never }]);
    for await (const response of stream) return response;
    throw new Error("no answer");
  }

  test("lists the services, sorted, and repeats the question", async () => {
    const response = await ask({ case: "listServices", value: "*" });
    expect(response.validHost).toBe("h");
    expect(response.originalRequest?.messageRequest).toEqual({ case: "listServices", value: "*" });
    expect(response.messageResponse.case).toBe("listServicesResponse");
    const { service: services } = response.messageResponse.value as { service: { name: string }[] };
    expect(services.map(({ name }) => name)).toEqual([
      "greet.GreetService",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ]);
  });

  test.each([
    ["greet.GreetService", "greet/greet.proto"],
    [".greet.GreetService", "greet/greet.proto"],
    ["greet.GreetService.Greet", "greet/greet.proto"],
    ["greet.GreetRequest", "greet/greet.proto"],
    ["greet.GreetRequest.name", "greet/greet.proto"],
    ["grpc.reflection.v1.ServerReflectionRequest.message_request", "grpc/reflection/v1/reflection.proto"],
  ])("finds the file of %s", async (value, name) => {
    const { messageResponse } = await ask({ case: "fileContainingSymbol", value });
    const { fileDescriptorProto } = messageResponse.value as { fileDescriptorProto: Uint8Array[] };
    expect(fromBinary(FileDescriptorProtoSchema, fileDescriptorProto[0]!).name).toBe(name);
  });

  test.each([
    [{ case: "fileContainingSymbol", value: "no.Such" }, 'no symbol "no.Such"'],
    [{ case: "fileByFilename", value: "no.proto" }, 'no file "no.proto"'],
    [{ case: "allExtensionNumbersOfType", value: "no.Such" }, 'no message "no.Such"'],
    [
      {
        case: "fileContainingExtension",
        value: { containingType: "greet.GreetRequest", extensionNumber: 7 },
      },
      'no extension 7 of "greet.GreetRequest"',
    ],
  ])("answers %j with NOT_FOUND", async (question, text) => {
    const { messageResponse } = await ask(question);
    expect(messageResponse).toMatchObject({
      case: "errorResponse",
      value: { errorCode: Code.NotFound, errorMessage: expect.stringContaining(text) },
    });
  });

  test("knows of no extensions of a message that has none", async () => {
    const question = { case: "allExtensionNumbersOfType", value: "greet.GreetRequest" };
    expect((await ask(question)).messageResponse.value).toMatchObject({
      baseTypeName: "greet.GreetRequest",
      extensionNumber: [],
    });
  });

  test("a question without a question gets an error, and the stream goes on", async () => {
    await using link = start();
    await using stream = createClient(ServerReflection, link.transport, options).serverReflectionInfo();
    await stream.send({});
    expect((await stream.receive())?.messageResponse.value).toMatchObject({
      errorCode: Code.InvalidArgument,
    });
    await stream.send({ messageRequest: { case: "listServices", value: "" } });
    expect((await stream.receive())?.messageResponse.case).toBe("listServicesResponse");
  });
});

test("one stream gets each imported file once, and an asked file as often as it is asked", async () => {
  await using link = start((router) =>
    router.service(GreetService, greeter, { interface: "org.acme.Greeter" }),
  );
  await using stream = createClient(ServerReflection, link.transport).serverReflectionInfo();
  const names = async (value: string): Promise<string[]> => {
    await stream.send({ messageRequest: { case: "fileContainingSymbol", value } });
    const { fileDescriptorProto } = (await stream.receive())!.messageResponse.value as {
      fileDescriptorProto: Uint8Array[];
    };
    return fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
  };
  expect(await names("org.acme.Greeter")).toEqual(["interfaces/org.acme.Greeter.proto", "greet/greet.proto"]);
  expect(await names("org.acme.Greeter")).toEqual(["interfaces/org.acme.Greeter.proto"]);
  expect(await names("greet.GreetService")).toEqual(["greet/greet.proto"]);
});

test("the file of a renamed service imports the files of all its methods' messages", async () => {
  const method = { name: "Ping", inputType: ".a.Question", outputType: ".google.protobuf.Empty" };
  const proto = create(FileDescriptorProtoSchema, {
    name: "a/pinger.proto",
    package: "a",
    syntax: "proto3",
    dependency: ["google/protobuf/empty.proto"],
    messageType: [{ name: "Question" }],
    service: [{ name: "Pinger", method: [method, { ...method, name: "Again" }] }],
  });
  const registry = createFileRegistry(proto, () => file_google_protobuf_empty.proto);
  await using link = start((router) =>
    router.service(registry.getService("a.Pinger")!, {}, { interface: "org.acme.Pinger" }),
  );
  const learned = await reflect(link.transport).registry("org.acme.Pinger");
  expect(learned.getFile("interfaces/org.acme.Pinger.proto")?.proto.dependency).toEqual([
    "a/pinger.proto",
    "google/protobuf/empty.proto",
  ]);
});

test("a client without the schema calls a service that it learned, streams included", async () => {
  await using link = start((router) => {
    router.service(GreetService, greeter, { interface: "org.acme.Greeter" });
    createHealth().register(router);
  });
  const reflected = reflect(link.transport);
  expect(await reflected.services()).toContain("org.acme.Greeter");
  for (const name of ["greet.GreetService", "org.acme.Greeter"]) {
    const service = await reflected.service(name);
    expect(service).not.toBe(GreetService);
    const client = createClient(service as typeof GreetService, link.transport);
    expect(await client.greet({ name: "a" })).toMatchObject({ greeting: "hello a" });
    const greetings: string[] = [];
    for await (const { greeting } of client.greetStream([{ name: "b" }, { name: "c" }]))
      greetings.push(greeting);
    expect(greetings).toEqual(["hello b", "hello c"]);
  }
  expect((await reflected.service("grpc.health.v1.Health")).methods.map(({ name }) => name)).toEqual([
    "Check",
    "List",
    "Watch",
  ]);
});

test("a client falls back to v1alpha, and asks for imported files that a server leaves out", async () => {
  await using full = start((router) =>
    router.service(GreetService, greeter, { interface: "org.acme.Greeter" }),
  );
  const behind = createClient(ServerReflection, full.transport);
  await using link = loopback({
    routes: (router) =>
      router.service(
        ServerReflection,
        {
          async *serverReflectionInfo(requests) {
            for await (const response of behind.serverReflectionInfo(requests)) {
              const { messageResponse } = response;
              if (messageResponse.case === "fileDescriptorResponse")
                messageResponse.value.fileDescriptorProto.splice(1);
              yield response;
            }
          },
        },
        { interface: older },
      ),
  });
  const service = await reflect(link.transport).service("org.acme.Greeter");
  expect(service.typeName).toBe("org.acme.Greeter");
});

describe("a server whose files are bad", () => {
  /** The error of a client that asks for a symbol, and gets `answer` to each question. */
  async function failure(answer: (question: string) => Uint8Array[]) {
    await using link = loopback({
      routes: (router) =>
        router.service(ServerReflection, {
          async *serverReflectionInfo(requests) {
            for await (const { messageRequest } of requests) {
              const fileDescriptorProto = answer(String(messageRequest.value));
              yield { messageResponse: { case: "fileDescriptorResponse", value: { fileDescriptorProto } } };
            }
          },
        }),
    });
    const { code, rawMessage } = await errorOf(reflect(link.transport).registry("0"));
    return `${Code[code]}: ${rawMessage}`;
  }
  const file = (name: string, dependency: string[] = [], text = "") =>
    toBinary(
      FileDescriptorProtoSchema,
      create(FileDescriptorProtoSchema, { name, dependency, package: text }),
    );

  test.each([
    ["cuts a file off", () => [file("a").subarray(0, 2)], /^DataLoss: the server's files can't be read: /],
    ["sends no file", () => [], /^DataLoss: the server answered with no file$/],
    ["leaves out an import", (name: string) => (name === "0" ? [file("a", ["b"])] : []), /no file$/],
    [
      "sends too many files at once",
      () => Array.from({ length: 10_001 }, (_, i) => file(`${i}`)),
      /^DataLoss: the server sent more than 10000 files for one symbol/,
    ],
  ])("a server that %s fails the question with DataLoss", async (_title, answer, text) => {
    expect(await failure(answer)).toMatch(text);
  });

  test("a server whose files import another one without end fails the question at 64 MiB", async () => {
    let questions = 0;
    const text = "x".repeat(4_000_000);
    const error = await failure((name) => {
      questions++;
      return questions > 20 ? [file(name)] : [file(name, [`${questions}`], text)];
    });
    expect(error).toMatch(/^DataLoss: the server sent more than 67108864 bytes for one symbol/);
    expect(questions).toBe(17);
  });
});

test("errors of a server arrive as such", async () => {
  await using link = start();
  const unknown = await errorOf(reflect(link.transport).service("no.Such"));
  expect(unknown.code).toBe(Code.NotFound);
  expect(unknown.rawMessage).toContain('no symbol "no.Such"');
  expect((await errorOf(reflect(link.transport).service("greet.GreetRequest"))).rawMessage).toBe(
    '"greet.GreetRequest" is not a service',
  );
  await using bare = loopback({ routes: (router) => router.service(GreetService, greeter) });
  expect((await errorOf(reflect(bare.transport).services())).code).toBe(Code.Unimplemented);
});
