// SPDX-License-Identifier: Apache-2.0
// Mutant: node/src/address.ts # if (length > most) { => if (false) {
// Mutant: node/src/address.ts # if (authority.includes(",")) => if (false)
// Mutant: node/src/address.ts # && parsed.hostname !== host => && false
// Mutant: node/src/address.ts # readParameters(new URLSearchParams(parameters), quoted, selector);
import { Code, ConnectError } from "@tristream/core";
import { formatAddress, parseTarget, socketUrl } from "./address.js";

const none = { group: "", version: "" };

test.each([
  ["tri://127.0.0.1:20000", "127.0.0.1", 20_000],
  ["http://Host.example", "host.example", 80],
  ["TRI://Host:1", "host", 1],
  ["tri://my_service:1", "my_service", 1],
  ["tri://a.example.:1", "a.example.", 1],
  ["tri://host:00080", "host", 80],
  ["tri://host:80/", "host", 80],
  ["tri://[::1]:443", "::1", 443],
  ["tri://[fe80::1%25eth0]:1", "fe80::1%eth0", 1],
  ["tri://[fe80::1%eth0]:1", "fe80::1%eth0", 1],
])("%s is host %s, port %i", (text, host, port) => {
  expect(parseTarget(text)).toEqual({ addresses: [{ kind: "tcp", host, port, secure: false }], ...none });
});

test.each([
  ["host:1", "has no scheme: use tri://host:port, http://host:port, https://host:port or unix:path"],
  ["ftp://host:1", 'has scheme "ftp": use tri://host:port, http://host:port, https://host:port or unix:path'],
  ["tri://host", "has no port: write tri://host:20000, say"],
  ["tri://host:", "has no port: write tri://host:20000, say"],
  ["tri://:1", "has no host: use tri://host:port, http://host:port, https://host:port or unix:path"],
  ["tri:host:1", "has no host: use tri://host:port, http://host:port, https://host:port or unix:path"],
  ["tri://host:0", "has port 0: use a port from 1 to 65535"],
  ["tri://host:00000", "has port 00000: use a port from 1 to 65535"],
  ["tri://host:65536", "has port 65536: use a port from 1 to 65535"],
  ["tri://host:1x", "can't be read: use tri://host:port, http://host:port, https://host:port or unix:path"],
  ["tri://a:1,tri://b:2", "has a comma: write ; between addresses, each as tri://host:port"],
  ["tri://a:1,b:2", "has a comma: write ; between addresses, each as tri://host:port"],
  ["tri://user@host", "has a user name: not supported, send credentials in headers"],
  ["tri://user:1@h:1", "has a user name: not supported, send credentials in headers"],
  ["tri://1.2.3:4", 'has host "1.2.3", which means 1.2.0.3: write that'],
  ["tri://0x7f.1:4", 'has host "0x7f.1", which means 127.0.0.1: write that'],
  ["tri://[::1:1", "can't be read: use tri://host:port, http://host:port, https://host:port or unix:path"],
  [
    "tri://host:1/path",
    'has path "/path": leave it out, and name the interface in createClient(…, { interface })',
  ],
  ["tri://host:1?x=1", 'has parameter "x": only group and version are read'],
  ["tri://host:1#part", 'has fragment "#part": leave it out'],
  ["unix:", "has no path: write unix:/path/of/socket"],
  ["unix:?group=a", "has no path: write unix:/path/of/socket"],
  ["unix:/s?x=1", 'has parameter "x": only group and version are read'],
])("%s is refused, and the error names what is wrong", (text, reason) => {
  let error: unknown;
  try {
    parseTarget(text);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ConnectError);
  expect(error).toMatchObject({
    code: Code.InvalidArgument,
    rawMessage: `address ${JSON.stringify(text)} ${reason}`,
  });
});

test.each([
  ["unix:/run/s", "/run/s", none],
  ["unix:///run/s", "/run/s", none],
  ["unix:s.sock", "s.sock", none],
  ["unix:/run/s?group=g&version=1", "/run/s", { group: "g", version: "1" }],
  ["unix:///run/s?version=1", "/run/s", { group: "", version: "1" }],
  ["unix:/a%3Fb%3bc%25d%41", "/a?b;c%d%41", none],
])("%s is the path %s", (text, path, selector) => {
  expect(parseTarget(text)).toEqual({ addresses: [{ kind: "unix", path, secure: false }], ...selector });
});

test("the URL of a socket leads to its path, whatever characters that has", () => {
  const path = "/tmp/100%25;?group=a#b c";
  expect(parseTarget(`${socketUrl(path)}?group=g`)).toEqual({
    addresses: [{ kind: "unix", path, secure: false }],
    group: "g",
    version: "",
  });
});

test("a path that the system would cut is refused", () => {
  const longest = process.platform === "linux" ? 107 : 103;
  const fits = `/${"ü".repeat((longest - 1) / 2)}`;
  expect(Buffer.byteLength(fits)).toBe(longest);
  expect(parseTarget(`unix:${fits}`).addresses).toEqual([{ kind: "unix", path: fits, secure: false }]);
  expect(() => parseTarget(`unix:${fits}x`)).toThrow(
    `the path of the unix socket "${fits}x" has ${longest + 1} bytes: the system takes ${longest} at most, choose a shorter one`,
  );
});

test.each([
  ["https://host", false, 443, true],
  ["https://host:8443", false, 8443, true],
  ["tri://host:1", true, 1, true],
  ["tri://host:1", false, 1, false],
  ["http://host", false, 80, false],
])("%s speaks TLS as the scheme and the option tls (%s) say", (text, tls, port, secure) => {
  expect(parseTarget(text, tls).addresses).toEqual([{ kind: "tcp", host: "host", port, secure }]);
});

test("a unix socket speaks TLS if the option tls is given", () => {
  expect(parseTarget("unix:/run/s", true).addresses).toEqual([
    { kind: "unix", path: "/run/s", secure: true },
  ]);
});

test("an address is shown as it can be written", () => {
  expect(formatAddress({ kind: "tcp", host: "fe80::1%eth0", port: 1, secure: false })).toBe(
    "[fe80::1%eth0]:1",
  );
  expect(formatAddress({ kind: "tcp", host: "h", port: 1, secure: false })).toBe("h:1");
});
