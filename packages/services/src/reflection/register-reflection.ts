// SPDX-License-Identifier: Apache-2.0
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { TripleRouter } from "@tristream/core";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../schemas/grpc/reflection/v1/reflection_pb.js";
import { olderReflection } from "./older-reflection.js";
import { Schema, type SchemaFile } from "./schema.js";

type Answer = ServerReflectionResponse["messageResponse"];

/**
 * Registers gRPC's reflection, `grpc.reflection.v1` and `v1alpha`: clients such as grpcurl learn from it which services the router has, and their
 * schemas. Services may be registered before and after. Every client that can connect can read the schemas.
 */
export function registerReflection(router: TripleRouter): void {
  let schema: Schema | null = null;
  let generation = -1;
  const current = (): Schema => {
    if (schema === null || generation !== router.routes.generation) {
      generation = router.routes.generation;
      schema = new Schema(router);
    }
    return schema;
  };
  async function* serverReflectionInfo(requests: AsyncIterable<ServerReflectionRequest>) {
    // Files that this stream has got: a client asks for one file after the other, and needs each once.
    const sent = new Set<SchemaFile>();
    for await (const request of requests) yield answerTo(current(), request, sent);
  }
  router.service(ServerReflection, { serverReflectionInfo });
  router.service(ServerReflection, { serverReflectionInfo }, { interface: olderReflection });
}

function answerTo(
  schema: Schema,
  request: ServerReflectionRequest,
  sent: Set<SchemaFile>,
): ServerReflectionResponse {
  return create(ServerReflectionResponseSchema, {
    validHost: request.host,
    originalRequest: request,
    messageResponse: messageFor(schema, request.messageRequest, sent),
  });
}

function messageFor(
  schema: Schema,
  asked: ServerReflectionRequest["messageRequest"],
  sent: Set<SchemaFile>,
): Answer {
  switch (asked.case) {
    case "fileByFilename":
      return files(schema.file(asked.value), sent, `file ${JSON.stringify(asked.value)}`);
    case "fileContainingSymbol":
      return files(schema.fileOf(asked.value), sent, `symbol ${JSON.stringify(asked.value)}`);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = asked.value;
      const what = `extension ${extensionNumber} of ${JSON.stringify(containingType)}`;
      return files(schema.fileOfExtension(containingType, extensionNumber), sent, what);
    }
    case "allExtensionNumbersOfType": {
      const extensionNumber = schema.extensionNumbers(asked.value);
      if (extensionNumber === undefined) return notFound(`message ${JSON.stringify(asked.value)}`);
      return {
        case: "allExtensionNumbersResponse",
        value: {
          $typeName: "grpc.reflection.v1.ExtensionNumberResponse",
          baseTypeName: asked.value,
          extensionNumber,
        },
      };
    }
    case "listServices":
      return {
        case: "listServicesResponse",
        value: {
          $typeName: "grpc.reflection.v1.ListServiceResponse",
          service: schema.services.map((name) => ({ $typeName: "grpc.reflection.v1.ServiceResponse", name })),
        },
      };
    default:
      return failed(Code.InvalidArgument, "the request has no question");
  }
}

/** A file with those that it imports, without those that the stream has got already. The asked file is always sent. */
function files(file: SchemaFile | undefined, sent: Set<SchemaFile>, what: string): Answer {
  if (file === undefined) return notFound(what);
  const fresh = file.withImports().filter((each) => each === file || !sent.has(each));
  for (const each of fresh) sent.add(each);
  return {
    case: "fileDescriptorResponse",
    value: {
      $typeName: "grpc.reflection.v1.FileDescriptorResponse",
      fileDescriptorProto: fresh.map(({ bytes }) => bytes),
    },
  };
}

function notFound(what: string): Answer {
  return failed(Code.NotFound, `no ${what} in the schemas of this server's services`);
}

function failed(errorCode: Code, errorMessage: string): Answer {
  return {
    case: "errorResponse",
    value: { $typeName: "grpc.reflection.v1.ErrorResponse", errorCode, errorMessage },
  };
}
