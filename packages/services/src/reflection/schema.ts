// SPDX-License-Identifier: Apache-2.0
import {
  clone,
  create,
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  toBinary,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import {
  FileDescriptorProtoSchema,
  type MethodDescriptorProto,
  MethodDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import type { TripleRouter } from "@tristream/core";

/** Names with a file that declares them. */
type Files = Map<string, SchemaFile>;

/** A file of a schema, serialized when it is first asked for. */
export class SchemaFile {
  /** The name, such as `greet/greet.proto`. */
  readonly name: string;
  /** The files that it imports. */
  readonly imports: readonly SchemaFile[];
  private readonly make: () => Uint8Array;
  private made: Uint8Array | null = null;

  constructor(name: string, make: () => Uint8Array, imports: readonly SchemaFile[]) {
    this.name = name;
    this.make = make;
    this.imports = imports;
  }

  /** The serialized `google.protobuf.FileDescriptorProto`. */
  get bytes(): Uint8Array {
    this.made ??= this.make();
    return this.made;
  }

  /** The file and all files below it, the imported ones behind it, each once. */
  withImports(): SchemaFile[] {
    const all = new Set<SchemaFile>([this]);
    for (const file of all) for (const each of file.imports) all.add(each);
    return [...all];
  }
}

/** What a server's registrations tell of their schemas. */
export class Schema {
  /** The names of the services, sorted. */
  readonly services: readonly string[];
  private readonly files: Files = new Map();
  private readonly symbols: Files = new Map();
  /** Extensions by the extended message, and by their number. */
  private readonly extensions = new Map<string, Map<number, SchemaFile>>();

  constructor(router: TripleRouter) {
    const services = new Map<string, DescService>();
    for (const { desc } of router.routes.registrations()) services.set(desc.parent.typeName, desc.parent);
    this.services = [...services.keys()].sort();
    for (const [name, service] of services) {
      this.addFile(service.file);
      if (!this.symbols.has(name)) this.addRenamed(name, service);
    }
  }

  /** The file of a name, such as `greet/greet.proto`. */
  file(name: string): SchemaFile | undefined {
    return this.files.get(name);
  }

  /** The file that declares a symbol: a service, method, message, enum, extension, field or value. */
  fileOf(symbol: string): SchemaFile | undefined {
    return this.symbols.get(symbol.replace(/^\./, ""));
  }

  /** The file that declares an extension. */
  fileOfExtension(message: string, number: number): SchemaFile | undefined {
    return this.extensions.get(message)?.get(number);
  }

  /** The numbers of a message's extensions; undefined if the message is unknown. */
  extensionNumbers(message: string): number[] | undefined {
    const known = this.extensions.get(message);
    if (known === undefined) return this.symbols.has(message) ? [] : undefined;
    return [...known.keys()].sort((a, b) => a - b);
  }

  private addFile(desc: DescFile): SchemaFile {
    const known = this.files.get(desc.proto.name);
    if (known !== undefined) return known;
    const file = new SchemaFile(
      desc.proto.name,
      () => toBinary(FileDescriptorProtoSchema, desc.proto),
      desc.dependencies.map((each) => this.addFile(each)),
    );
    this.files.set(desc.proto.name, file);
    for (const type of nestedTypes(desc)) this.addType(type, file);
    return file;
  }

  private addType(type: DescMessage | DescEnum | DescExtension | DescService, file: SchemaFile): void {
    this.symbols.set(type.typeName, file);
    const inside = (name: string): unknown => this.symbols.set(`${type.typeName}.${name}`, file);
    if (type.kind === "service") for (const method of type.methods) inside(method.name);
    else if (type.kind === "message") {
      for (const field of type.fields) inside(field.name);
      for (const oneof of type.oneofs) inside(oneof.name);
    } else if (type.kind === "enum") {
      // The values of an enum stand beside it.
      const scope = type.typeName.slice(0, type.typeName.lastIndexOf(".") + 1);
      for (const value of type.values) this.symbols.set(`${scope}${value.name}`, file);
    } else {
      const { typeName } = type.extendee;
      const known = this.extensions.get(typeName) ?? new Map<number, SchemaFile>();
      this.extensions.set(typeName, known.set(type.number, file));
    }
  }

  /**
   * A service that is served under another name (option `interface`) gets a file of its own, with the same methods. The file imports the
   * files of all messages that the methods name: Go's protodesc refuses a file that leaves out one of them.
   */
  private addRenamed(name: string, service: DescService): void {
    const at = name.lastIndexOf(".");
    const messages = service.methods.flatMap(({ input, output }) => [input.file, output.file]);
    const imports = [...new Set([service.file, ...messages].map((desc) => this.addFile(desc)))];
    const proto = create(FileDescriptorProtoSchema, {
      name: `interfaces/${name}.proto`,
      package: name.slice(0, Math.max(0, at)),
      syntax: "proto3",
      dependency: imports.map((each) => each.name),
      service: [
        create(ServiceDescriptorProtoSchema, {
          name: name.slice(at + 1),
          method: service.proto.method.map(
            (method): MethodDescriptorProto => clone(MethodDescriptorProtoSchema, method),
          ),
        }),
      ],
    });
    const file = new SchemaFile(proto.name, () => toBinary(FileDescriptorProtoSchema, proto), imports);
    this.files.set(proto.name, file);
    this.symbols.set(name, file);
    for (const method of service.methods) this.symbols.set(`${name}.${method.name}`, file);
  }
}
