// SPDX-License-Identifier: Apache-2.0
// Calls over TLS, the certificates that both ends check, and the errors of connections that don't come about.
// Mutant: node/src/tls/tls-listener.ts # if (!asksCertificate || socket.authorized) return undefined; => return undefined;
// Mutant: node/src/tls/tls-listener.ts # if (!needsCertificate) return undefined;
// Mutant: node/src/tls/client-tls.ts # checkName(name, certificate) ??
// Mutant: node/src/tls/client-tls.ts # if (pins.includes(pin)) return undefined; => return undefined;
// Mutant: node/src/tls/client-tls.ts # if (!own.verify(new X509Certificate(issuerCertificate.raw).publicKey)) break;
// Mutant: node/src/tls/client-tls.ts # rejectUnauthorized: true,
// Mutant: node/src/acceptor.ts # socket.authorized ? certificateOf(socket) : undefined => undefined
// Mutant: node/src/tls/server-tls.ts # if (needsCertificate && given.ca === undefined) { => if (false) {
// Mutant: node/src/tls/tls-listener.ts # for (const socket of [...this.pending.keys()]) socket.destroy();
// Mutant: node/src/tls/tls-listener.ts # this.pending.delete(acceptedOf(socket));
// Mutant: node/src/tls/tls-listener.ts # || this.closed
// Mutant: node/src/tls/tls-listener.ts # this.pending.get(accepted) ?? owner.addressOf(socket) => owner.addressOf(socket)
// Mutant: node/src/tls/pem.ts # if (mayBeKey(given)) { => if (false) {
// Mutant: node/src/tls/pem.ts # folder === "/" || => false ||
// Mutant: node/src/tls/client-tls.ts # if (files !== this.files) { => if (false) {
// Mutant: node/src/tls/client-tls.ts # } catch { => } catch (error) { throw error;
// Mutant: node/src/tls/pem.ts # if (/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(text)) return text; => return text;
// Mutant: node/src/address.ts # if (scheme === "http" && tls) => if (false)
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import {
  type ClientTlsOptions,
  Code,
  createClient,
  createTransport,
  type Logger,
  type PeerCertificate,
  type ServeOptions,
  type ServerTlsOptions,
  serve,
} from "@tristream/node";
import { createClock } from "@tristream/testing";
import { errorOf, until } from "../../core/tests/events.js";
import { type Authority, type Identity, makeAuthority } from "./certificates.js";

/** The lines of docs/errors.md. */
const page = readFileSync("docs/errors.md", "utf8").split("\n");

let authority: Authority;
let stranger: Authority;
let server: Identity;
let client: Identity;

beforeAll(async () => {
  [authority, stranger] = await Promise.all([makeAuthority("Authority"), makeAuthority("Stranger")]);
  [server, client] = await Promise.all([
    authority.issue({ name: "greeter" }),
    authority.issue({ name: "caller", names: [{ type: "url", value: "spiffe://test/caller" }] }),
  ]);
});

/** Starts a server whose handler answers with what it knows of its peer. */
async function start(tls: ServerTlsOptions | undefined, more: Partial<ServeOptions> = {}) {
  const lines: string[] = [];
  const seen: { transport: string; certificate: PeerCertificate | undefined }[] = [];
  const write = (line: string): number => lines.push(line);
  const logger: Logger = { error: write, warn: write, info: write, debug: write };
  const served = await serve({
    host: "127.0.0.1",
    port: 0,
    tls,
    logger,
    routes: (router) =>
      router.service(GreetService, {
        greet({ name }, { peer: { transport, certificate } }) {
          seen.push({ transport, certificate });
          return { greeting: name };
        },
        async *greetStream(requests) {
          for await (const { name } of requests) yield { greeting: name };
        },
      }),
    ...more,
  });
  return { served, lines, seen };
}

/** One call over a transport of its own. */
async function greet(url: string, tls?: ClientTlsOptions): Promise<string> {
  await using transport = createTransport(url, { tls });
  return (await createClient(GreetService, transport).greet({ name: "triple" })).greeting;
}

test("all kinds of calls run over TLS, and both ends see each other's certificate", async () => {
  const { served, seen } = await start({
    ...keyAndCert(server),
    ca: authority.cert,
    requireClientCertificate: true,
  });
  await using _served = served;
  expect(served.url).toBe(`https://127.0.0.1:${served.port}`);
  await using transport = createTransport(served.url, { tls: { ca: authority.cert, ...keyAndCert(client) } });
  const greeter = createClient(GreetService, transport);
  expect((await greeter.greet({ name: "triple" })).greeting).toBe("triple");
  expect(seen).toHaveLength(1);
  expect(seen[0]!.transport).toBe("tls");
  expect(seen[0]!.certificate).toMatchObject({
    subject: "CN=caller",
    issuer: "CN=Authority",
    subjectAltNames: ["URI:spiffe://test/caller"],
    fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
  });
  expect(Date.parse(seen[0]!.certificate!.validTo)).toBeGreaterThan(Date.now());
  const names: string[] = [];
  for await (const { greeting } of greeter.greetStream([{ name: "a" }, { name: "b".repeat(300_000) }])) {
    names.push(greeting.slice(0, 3));
  }
  expect(names).toEqual(["a", "bbb"]);
});

function keyAndCert({ key, cert }: Identity): { key: string; cert: string } {
  return { key, cert };
}

test.each(["https", "tri"])("%s:// speaks TLS if the option tls is given", async (scheme) => {
  const { served } = await start(keyAndCert(server));
  await using _served = served;
  expect(await greet(`${scheme}://localhost:${served.port}`, { ca: authority.cert })).toBe("triple");
});

test("keys and certificates are taken as text, as bytes and as paths", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tristream-tls-"));
  try {
    const key = join(folder, "key.pem");
    const cert = join(folder, "cert.pem");
    await Promise.all([writeFile(key, server.key), writeFile(cert, server.cert)]);
    const { served } = await start({ key, cert: Buffer.from(server.cert) });
    await using _served = served;
    await writeFile(cert, authority.cert);
    expect(await greet(served.url, { ca: [stranger.cert, cert] })).toBe("triple");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("TLS runs over a unix socket, too, with the name that serverName gives", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tristream-tls-"));
  try {
    const { served } = await start(keyAndCert(server), {
      port: undefined,
      host: undefined,
      socketPath: join(folder, "s"),
    });
    await using _served = served;
    expect(await greet(served.url, { ca: authority.cert, serverName: "localhost" })).toBe("triple");
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe("a client that does not accept the server says why", () => {
  test.each([
    [
      "an authority that it does not trust",
      () => server,
      { ca: () => stranger.cert },
      /its certificate can't be used: it was signed by an authority that is not trusted: pass the authority's certificate as option tls\.ca/,
    ],
    [
      "a certificate that has expired",
      () => authority.issue({ name: "old", notBefore: new Date(0), notAfter: new Date(Date.now() - 1000) }),
      { ca: () => authority.cert },
      /its certificate can't be used: it has expired: renew it/,
    ],
    [
      "a certificate that is not valid yet",
      () => authority.issue({ name: "new", notBefore: new Date(Date.now() + 600_000) }),
      { ca: () => authority.cert },
      /its certificate can't be used: it is not valid yet/,
    ],
    [
      "a certificate for another name",
      () => authority.issue({ name: "other", names: [{ type: "dns", value: "other.example" }] }),
      { ca: () => authority.cert },
      /its certificate is for DNS:other\.example, not for 127\.0\.0\.1: use one of its names in the address, or as option tls\.serverName/,
    ],
    [
      "a public key that is not pinned",
      () => server,
      { ca: () => authority.cert, pins: () => [stranger.pin] },
      /none of its public keys is one of tls\.pins \(it has [A-Za-z0-9+/]{43}=/,
    ],
  ] as const)("%s", async (_name, identity, tls, text) => {
    const { served, seen } = await start(keyAndCert(await identity()));
    await using _served = served;
    const options = Object.fromEntries(Object.entries(tls).map(([name, value]) => [name, value()]));
    const error = await errorOf(greet(served.url, options));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toMatch(text);
    const asOnThePage = error.message
      .replace(String(served.port), "20000")
      .replace(/\(it has [^)]+\)/, "(it has 3q2+…)");
    expect([
      ...page,
      "[unavailable] can't connect to 127.0.0.1:20000: its certificate can't be used: it is not valid yet: set this machine's clock, or wait",
    ]).toContain(asOnThePage);
    expect(seen).toEqual([]);
  });
});

test("a pin may be of the server's key or of its authority's", async () => {
  const { served } = await start({ key: server.key, cert: `${server.cert}\n${authority.cert}` });
  await using _served = served;
  for (const pins of [[server.pin], [stranger.pin, authority.pin]])
    expect(await greet(served.url, { ca: authority.cert, pins })).toBe("triple");
});

test("a certificate that the server has made itself does not bring a pinned key into its chain", async () => {
  const forged = await authority.forge(stranger);
  const { served, seen } = await start({ key: server.key, cert: `${server.cert}\n${forged}` });
  await using _served = served;
  expect(await greet(served.url, { ca: authority.cert })).toBe("triple");
  const error = await errorOf(greet(served.url, { ca: authority.cert, pins: [stranger.pin] }));
  expect(error.rawMessage).toContain("none of its public keys is one of tls.pins");
  expect(seen).toHaveLength(1);
});

test("NODE_TLS_REJECT_UNAUTHORIZED=0 switches off no check", async () => {
  const { served, seen } = await start(keyAndCert(server));
  await using _served = served;
  const file = fileURLToPath(new URL("./tls-unchecked-child.ts", import.meta.url));
  const flags = ["--no-warnings", "--conditions=@tristream/source", "--import", "tsx"];
  const child = spawn(process.execPath, [...flags, file, served.url, stranger.cert], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: "0" },
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toContain("was signed by an authority that is not trusted");
  expect(seen).toEqual([]);
});

test("a client certificate is required if the server says so, and checked if the client shows one", async () => {
  const untrusted = await stranger.issue({ name: "untrusted" });
  const required = await start({ ...keyAndCert(server), ca: authority.cert, requireClientCertificate: true });
  const optional = await start({ ...keyAndCert(server), ca: authority.cert });
  await using _required = required.served;
  await using _optional = optional.served;
  const none = await errorOf(greet(required.served.url, { ca: authority.cert }));
  expect(none.code).toBe(Code.Unavailable);
  expect(none.rawMessage).toContain(
    "the server requires a client certificate, and the client has shown none: connect with tls.key and tls.cert",
  );
  expect(required.lines.join("\n")).toContain("requires a client certificate");
  for (const { served, lines, seen } of [required, optional]) {
    const wrong = await errorOf(greet(served.url, { ca: authority.cert, ...keyAndCert(untrusted) }));
    expect(wrong.code).toBe(Code.Unavailable);
    expect(wrong.rawMessage).toContain("the server refuses the client's certificate: ");
    expect(lines.join("\n")).toContain("refuses the client's certificate");
    expect(seen).toEqual([]);
  }
  expect(await greet(optional.served.url, { ca: authority.cert })).toBe("triple");
  expect(optional.seen).toEqual([{ transport: "tls", certificate: undefined }]);
});

describe("cleartext and TLS that meet", () => {
  test("a client that speaks cleartext to a TLS port hears that the port takes TLS", async () => {
    const { served, lines } = await start(keyAndCert(server));
    await using _served = served;
    const error = await errorOf(greet(`tri://127.0.0.1:${served.port}`));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toContain(
      "this port takes TLS only: connect with https://, or with tri:// and the option tls",
    );
    expect(lines.join("\n")).toContain("this port takes TLS only");
  });

  test("a client that speaks HTTP/1.1 to a TLS port gets an answer that it can read", async () => {
    const { served } = await start(keyAndCert(server));
    await using _served = served;
    const socket = connect(served.port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    await once(socket, "close");
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*\r\n\r\nthis port takes TLS only/s);
  });

  test("a client that speaks TLS to a cleartext port says so, and the server does", async () => {
    const { served, lines } = await start(undefined);
    await using _served = served;
    const error = await errorOf(greet(`https://127.0.0.1:${served.port}`, { ca: authority.cert }));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toMatch(/the other end does not speak TLS: use its cleartext address/);
    await until(() => lines.some((line) => line.includes("the peer speaks TLS")));
  });

  test("a server that speaks TLS but not HTTP/2 is named as such", async () => {
    const other = createTlsServer({ ...keyAndCert(server), ALPNProtocols: ["http/1.1"] });
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const error = await errorOf(greet(`https://127.0.0.1:${port}`, { ca: authority.cert }));
    other.close();
    expect(error.rawMessage).toContain("speaks TLS, but not HTTP/2 (ALPN h2)");
  });
});

test("a client that sends nothing, or no end of its handshake, is dropped after prefaceTimeoutMs", async () => {
  const clock = createClock();
  const { served, lines } = await start(keyAndCert(server), { clock, http2: { prefaceTimeoutMs: 200 } });
  await using _served = served;
  const mute = connect(served.port, "127.0.0.1");
  await once(mute, "connect");
  const late = connect(served.port, "127.0.0.1");
  late.write(Buffer.from([0x16, 3, 1, 0x40, 0]));
  const closed = Promise.all([once(mute, "close"), once(late, "close")]);
  for (const socket of [mute, late]) socket.on("error", () => {}).resume();
  const timer = setInterval(() => void clock.advance(200), 20);
  await closed;
  clearInterval(timer);
  expect(lines.filter((line) => line.includes("failed to connect"))).toHaveLength(2);
  expect(lines.join("\n")).toMatch(/the client sent nothing within 200 ms/);
  expect(lines.join("\n")).not.toContain("unknown");
});

test("setTls replaces certificates for new connections, and running calls go on", async () => {
  const { served } = await start(keyAndCert(server));
  await using _served = served;
  await using before = createTransport(served.url, { tls: { ca: authority.cert } });
  await using stream = createClient(GreetService, before).greetStream();
  await stream.send({ name: "before" });
  expect((await stream.receive())?.greeting).toBe("before");
  expect(() => served.setTls({ key: server.key, cert: client.cert })).toThrow(
    "the key and certificates of tls can't be used: the key does not belong to the certificate",
  );
  expect(await greet(served.url, { ca: authority.cert })).toBe("triple");
  served.setTls(keyAndCert(await stranger.issue({ name: "next" })));
  expect(await greet(served.url, { ca: stranger.cert })).toBe("triple");
  expect((await errorOf(greet(served.url, { ca: authority.cert }))).rawMessage).toContain("not trusted");
  await stream.send({ name: "after" });
  expect((await stream.receive())?.greeting).toBe("after");
  await stream.closeRequest();
});

test("files that change are read again; a half that does not fit yet is logged, and the old ones stay", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tristream-tls-"));
  try {
    const clock = createClock();
    const key = join(folder, "key.pem");
    const cert = join(folder, "cert.pem");
    const next = await stranger.issue({ name: "next" });
    await Promise.all([writeFile(key, server.key), writeFile(cert, server.cert)]);
    const { served, lines } = await start({ key, cert, watchIntervalMs: 5000 }, { clock });
    await using _served = served;
    await writeFile(key, next.key);
    await clock.advance(5000);
    await clock.advance(5000);
    expect(lines).toEqual([
      expect.stringMatching(
        /have changed, but can't be used: the key and certificates of tls .*does not belong.*; those before stay$/,
      ),
    ]);
    expect(await greet(served.url, { ca: authority.cert })).toBe("triple");
    await writeFile(cert, next.cert);
    await clock.advance(5000);
    expect(lines[1]).toBe("the key and certificates have changed: new connections get the new ones");
    expect(await greet(served.url, { ca: stranger.cert })).toBe("triple");
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe("options that can't be used are refused with the reason", () => {
  test.each([
    [
      { key: "-----BEGIN X", cert: undefined },
      "option cert of tls is undefined: pass PEM as a string or bytes, or the path of a file",
    ],
    [
      { key: "/no/such/file", cert: "/none" },
      'option tls.key names the file "/no/such/file", which can\'t be read: there is no such file',
    ],
    [{ key: new Uint8Array(2), cert: "/none" }, "tls.key holds no PEM"],
    [{ keys: 1 }, 'tls has no option "keys": did you mean "key"?'],
    [
      { key: "k", cert: "c", minVersion: "TLSv1" },
      'option minVersion of tls is "TLSv1": pass "TLSv1.2" or "TLSv1.3"',
    ],
    [
      { key: "k", cert: "c", requireClientCertificate: true },
      "option requireClientCertificate of tls needs option ca",
    ],
  ])("serve: %j", async (tls, text) => {
    const error = await errorOf(start(tls as never));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toContain(text);
  });

  test.each([
    ["with line breaks", "MIGHAgEAMBMG\nByqGSM49"],
    ["of a line", `MIGHAgEAMBMGByqGSM49${"AgEGCCqGSM49/".repeat(3)}`],
    ["that begins like a path", `/${"MIGHAgEAMBMGByqGSM49".repeat(3)}`],
    ["of many characters", `${"MIGHAgEAMBMGByqGSM49".repeat(30)}.`],
  ])("a key without its PEM lines, %s, is not quoted", async (_how, key) => {
    const error = await errorOf(start({ key, cert: server.cert }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toBe(
      `option tls.key is neither PEM nor the path of a file (${key.length} characters)`,
    );
    expect(inspect(error, { depth: 9 })).not.toContain("MIGH");
  });

  test("PEM without a certificate is no certificate", async () => {
    const { key, cert } = server;
    const text = (name: string): string =>
      `option tls.${name} holds PEM, but no certificate: pass one that begins with "-----BEGIN CERTIFICATE-----"`;
    expect((await errorOf(start({ key, cert: key }))).rawMessage).toBe(text("cert"));
    expect((await errorOf(start({ key, cert, ca: [cert, key] }))).rawMessage).toBe(text("ca"));
    for (const [name, tls] of [
      ["ca", { ca: key }],
      ["cert", { key, cert: key }],
    ] as const)
      expect(() => createTransport("tri://h:1", { tls })).toThrow(text(name));
  });

  test.each([
    ["tri://h:1", { key: "k" }, "option key of tls needs option cert: pass both, or none"],
    ["tri://h:1", { pins: ["x"] }, "option pins of tls is"],
    ["tri://h:1", { servername: "x" }, 'tls has no option "servername": did you mean "serverName"?'],
    [
      "http://h:1",
      {},
      'address "http://h:1" is in cleartext, but option tls is given: write https:// or tri://, or leave tls out',
    ],
  ])("createTransport(%j, { tls: %j })", (url, tls, text) => {
    expect(() => createTransport(url, { tls: tls as never })).toThrow(text);
  });
});

test("a process ends after the shutdown, though clients have not finished their handshake", async () => {
  const file = fileURLToPath(new URL("./tls-exit-child.ts", import.meta.url));
  const flags = ["--conditions=@tristream/source", "--import", "tsx"];
  const child = spawn(process.execPath, [...flags, file, server.key, server.cert], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  const ca = authority.cert;
  expect(await greet(`https://127.0.0.1:${port}`, { ca })).toBe("triple");
  const sockets = [Buffer.alloc(0), Buffer.from([0x16, 3, 1, 0x40, 0])].map((bytes) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {}).resume();
    socket.write(bytes);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  // The server has read what they sent: it answers a client that came behind them.
  expect(await greet(`https://127.0.0.1:${port}`, { ca })).toBe("triple");
  child.stdin.end();
  expect(await once(child, "close")).toEqual([0, null]);
  for (const socket of sockets) socket.destroy();
});

test("a shutdown closes sockets whose handshake is not done", async () => {
  const { served, lines } = await start(keyAndCert(server));
  const sockets = [Buffer.alloc(0), Buffer.from([0x16, 3, 1, 0x40, 0])].map((bytes) => {
    const socket = connect(served.port, "127.0.0.1");
    socket.on("error", () => {}).resume();
    socket.write(bytes);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  await using transport = createTransport(served.url, { tls: { ca: authority.cert } });
  await using stream = createClient(GreetService, transport).greetStream();
  await stream.send({ name: "before" });
  expect((await stream.receive())?.greeting).toBe("before");
  const closed = sockets.map((socket) => once(socket, "close"));
  const report = served.shutdown({ graceMs: 60_000 });
  await Promise.all(closed);
  // A connection whose handshake is done has the grace time.
  await stream.send({ name: "after" });
  expect((await stream.receive())?.greeting).toBe("after");
  await stream.closeRequest();
  expect(await stream.receive()).toBeUndefined();
  expect(await report).toEqual({ finished: 1, cut: 0 });
  expect(lines.join("\n")).not.toContain("unknown");
});

test("a client in the middle of a renewal goes on with the files before, then takes the new ones", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tristream-tls-"));
  try {
    const key = join(folder, "key.pem");
    const cert = join(folder, "cert.pem");
    const next = await authority.issue({ name: "next" });
    await Promise.all([writeFile(key, client.key), writeFile(cert, client.cert)]);
    const { served, seen } = await start({
      ...keyAndCert(server),
      ca: authority.cert,
      requireClientCertificate: true,
    });
    await using _served = served;
    // Each connects at its call.
    const [half, lost, renewed] = [1, 2, 3].map(() =>
      createTransport(served.url, { tls: { ca: authority.cert, key, cert } }),
    );
    await writeFile(key, next.key);
    await createClient(GreetService, half!).greet({});
    await rm(cert);
    await createClient(GreetService, lost!).greet({});
    await writeFile(cert, next.cert);
    await createClient(GreetService, renewed!).greet({});
    await Promise.all([half, lost, renewed].map((each) => each!.close()));
    expect(seen.map(({ certificate }) => certificate?.subject)).toEqual([
      "CN=caller",
      "CN=caller",
      "CN=next",
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("files are watched only while a server listens", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tristream-tls-"));
  try {
    const clock = createClock();
    const key = join(folder, "key.pem");
    const cert = join(folder, "cert.pem");
    await Promise.all([writeFile(key, server.key), writeFile(cert, server.cert)]);
    const tls = { key, cert, watchIntervalMs: 5000 };
    const { served } = await start(keyAndCert(server));
    const lines: string[] = [];
    const write = (line: string): number => lines.push(line);
    const logger: Logger = { error: write, warn: write, info: write, debug: write };
    const taken = await errorOf(start(tls, { clock, logger, port: served.port }));
    expect(taken.code).toBe(Code.AlreadyExists);
    await served.shutdown();
    const second = await start(tls, { clock, logger });
    await second.served.shutdown();
    second.served.setTls(tls);
    await writeFile(cert, client.cert);
    await clock.advance(5000);
    expect(lines).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("sockets that failed at any step no longer count as open", async () => {
  // With the 100 that get a reason: as many sockets as a server holds at once.
  const { served, lines } = await start(keyAndCert(server), { maxConnections: 1 });
  await using _served = served;
  const failing = async (bytes: Uint8Array | string): Promise<void> => {
    const socket = connect(served.port, "127.0.0.1");
    socket.on("error", () => {}).resume();
    socket.write(bytes);
    // Half of a handshake: the client goes away, the server sees the end.
    if (typeof bytes !== "string") socket.end();
    await once(socket, "close");
  };
  for (let round = 0; round < 60; round++) {
    await Promise.all([
      failing("GET / HTTP/1.1\r\n\r\n"),
      failing("garbage of another kind"),
      failing(Buffer.from([0x16, 3, 1, 0x40, 0])),
      failing(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5])),
    ]);
  }
  expect(await greet(served.url, { ca: authority.cert })).toBe("triple");
  expect(lines.some((line) => line.includes("maxConnections"))).toBe(false);
});
