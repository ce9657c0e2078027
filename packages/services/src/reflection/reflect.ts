// SPDX-License-Identifier: Apache-2.0
import { createFileRegistry, type DescService, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createClient } from "@tristream/core";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from "../schemas/grpc/reflection/v1/reflection_pb.js";
import { olderReflection } from "./older-reflection.js";

/** The schemas of a server, learned by gRPC's reflection. */
export interface Reflected {
  /** The full names of the server's services. */
  services(): Promise<readonly string[]>;
  /**
   * A service, for `createClient`. Rejects with `NotFound` if the server does not know it, with `Unimplemented` if the server has no
   * reflection, and with `DataLoss` if its files can't be read, or are more than 10,000 files or 64 MiB.
   */
  service(name: string): Promise<DescService>;
  /** All descriptors that were learned for a symbol: for messages of `google.protobuf.Any`, say. Rejects as {@link Reflected.service} does. */
  registry(symbol: string): Promise<FileRegistry>;
}

/** Options of {@link reflect}. */
export interface ReflectOptions {
  /** Cancels the questions. */
  readonly signal?: AbortSignal | undefined;
  /** The deadline of each question, in milliseconds. Default: none. */
  readonly timeoutMs?: number | undefined;
}

/** The most files that a server may send for one symbol. */
const mostFiles = 10_000;

/** The most bytes that these files may have: 64 MiB. */
const mostBytes = 67_108_864;

type Question = ServerReflectionRequest["messageRequest"];
type Answer = ServerReflectionResponse["messageResponse"];

/** Asks a server for its services and schemas. Nothing is sent before one of the functions is called. */
export function reflect(transport: Transport, options: ReflectOptions = {}): Reflected {
  return new ReflectedServer(transport, options);
}

class ReflectedServer implements Reflected {
  private readonly transport: Transport;
  private readonly options: ReflectOptions;
  /** The server knows the older version alone. */
  private older = false;

  constructor(transport: Transport, options: ReflectOptions) {
    this.transport = transport;
    this.options = options;
  }

  async services(): Promise<readonly string[]> {
    const answer = await this.ask({ case: "listServices", value: "" });
    if (answer.case !== "listServicesResponse") throw unexpected(answer);
    return answer.value.service.map(({ name }) => name);
  }

  async service(name: string): Promise<DescService> {
    const service = (await this.registry(name)).getService(name);
    if (service === undefined)
      throw new ConnectError(`${JSON.stringify(name)} is not a service`, Code.NotFound);
    return service;
  }

  async registry(symbol: string): Promise<FileRegistry> {
    const files = new LearnedFiles();
    const first = await this.files({ case: "fileContainingSymbol", value: symbol }, files);
    // Some servers send a file alone, others with the files that it imports.
    for (const file of files.byName.values()) {
      for (const name of file.dependency)
        if (!files.byName.has(name)) await this.files({ case: "fileByFilename", value: name }, files);
    }
    try {
      return createFileRegistry(first, (name) => files.byName.get(name));
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  /** Asks for files and keeps them; returns the first. */
  private async files(question: Question, files: LearnedFiles): Promise<FileDescriptorProto> {
    const answer = await this.ask(question);
    if (answer.case !== "fileDescriptorResponse") throw unexpected(answer);
    const protos = answer.value.fileDescriptorProto.map((bytes) => files.add(bytes));
    const first = protos[0];
    if (first === undefined) throw new ConnectError("the server answered with no file", Code.DataLoss);
    return first;
  }

  private async ask(question: Question): Promise<Answer> {
    try {
      return await this.askOnce(question);
    } catch (error) {
      if (this.older || ConnectError.from(error).code !== Code.Unimplemented) throw error;
      this.older = true;
      return await this.askOnce(question);
    }
  }

  private async askOnce(question: Question): Promise<Answer> {
    const client = createClient(
      ServerReflection,
      this.transport,
      this.older ? { interface: olderReflection } : {},
    );
    const { signal, timeoutMs } = this.options;
    const request = { host: "", messageRequest: question } as const;
    for await (const { messageResponse } of client.serverReflectionInfo([request], { signal, timeoutMs })) {
      if (messageResponse.case !== "errorResponse") return messageResponse;
      const { errorCode, errorMessage } = messageResponse.value;
      throw new ConnectError(errorMessage, errorCode in Code ? errorCode : Code.Unknown);
    }
    throw new ConnectError("the server ended its stream without an answer", Code.DataLoss);
  }
}

/** The files that a server has sent for one symbol. */
class LearnedFiles {
  readonly byName = new Map<string, FileDescriptorProto>();
  /** All files that came, also those that came again: each answer counts, so a server can't be asked for ever. */
  private received = 0;
  private bytes = 0;

  /** Reads a file, and keeps it if it is the first of its name. */
  add(bytes: Uint8Array): FileDescriptorProto {
    this.received++;
    this.bytes += bytes.length;
    if (this.received > mostFiles) throw tooMany(`${mostFiles} files`);
    if (this.bytes > mostBytes) throw tooMany(`${mostBytes} bytes`);
    const file = read(bytes);
    if (!this.byName.has(file.name)) this.byName.set(file.name, file);
    return file;
  }
}

function read(bytes: Uint8Array): FileDescriptorProto {
  try {
    return fromBinary(FileDescriptorProtoSchema, bytes);
  } catch (cause) {
    throw unreadable(cause);
  }
}

function tooMany(most: string): ConnectError {
  return new ConnectError(
    `the server sent more than ${most} for one symbol, the most that are read`,
    Code.DataLoss,
  );
}

function unreadable(cause: unknown): ConnectError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ConnectError(
    `the server's files can't be read: ${why}`,
    Code.DataLoss,
    undefined,
    undefined,
    cause,
  );
}

function unexpected(answer: Answer): ConnectError {
  return new ConnectError(`the server answered another question: ${answer.case ?? "nothing"}`, Code.DataLoss);
}
