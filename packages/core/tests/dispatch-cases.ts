// SPDX-License-Identifier: Apache-2.0
import { Code, ConnectError, type TripleRouter } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { greeter } from "./greeter.js";

/** The selectors of a client. */
export interface Asked {
  readonly group?: string;
  readonly version?: string;
  readonly interface?: string;
}

/** The greeter that answers, or the text of the `Unimplemented` that does. */
export interface DispatchCase {
  readonly title: string;
  readonly asked: Asked;
  readonly answeredBy?: string | undefined;
  readonly refused?: string | undefined;
}

/** The answer to a call with the name `x`, or the code and text of its refusal. */
export function expectedAnswer(
  { answeredBy, refused = "" }: Pick<DispatchCase, "answeredBy" | "refused">,
  method: string,
): unknown {
  return answeredBy === undefined
    ? [Code.Unimplemented, refused.replace("METHOD", method)]
    : `${answeredBy}x`;
}

/** The code and text of an error. */
export function refusal(error: unknown): unknown {
  const { code, rawMessage } = ConnectError.from(error);
  return [code, rawMessage];
}

/** The registrations for the table. Each greeter puts its name before its answers. */
export function dispatchRoutes(router: TripleRouter): void {
  router.service(GreetService, greeter("plain:"));
  router.service(GreetService, greeter("g1:"), { group: "g1" });
  router.service(GreetService, greeter("v1:"), { version: "1.0.0" });
  router.service(GreetService, greeter("g1v1:"), { group: "g1", version: "1.0.0" });
  router.service(GreetService, greeter("java:"), { interface: "org.example.Greeter" });
  router.service(GreetService, greeter("java-g2:"), { interface: "org.example.Greeter", group: "g2" });
  router.service(GreetService, greeter("only:"), { interface: "org.example.Only", group: "g", version: "2" });
}

const offered =
  'offered are no group and no version; group "g1", no version; no group, version "1.0.0"; group "g1", version "1.0.0"';

/** Which registration answers which request: exact, and never another one. `METHOD` stands for the method. */
export const dispatchCases: readonly DispatchCase[] = [
  { title: "neither", asked: {}, answeredBy: "plain:" },
  { title: "empty ones are none", asked: { group: "", version: "" }, answeredBy: "plain:" },
  { title: "a group", asked: { group: "g1" }, answeredBy: "g1:" },
  { title: "a version", asked: { version: "1.0.0" }, answeredBy: "v1:" },
  { title: "both", asked: { group: "g1", version: "1.0.0" }, answeredBy: "g1v1:" },
  {
    title: "an unknown group",
    asked: { group: "g9" },
    refused: `no implementation of greet.GreetService/METHOD for group "g9", no version: ${offered}`,
  },
  {
    title: "an unknown version",
    asked: { version: "2.0.0" },
    refused: `no implementation of greet.GreetService/METHOD for no group, version "2.0.0": ${offered}`,
  },
  {
    title: "a group and a version that exist, but not together",
    asked: { group: "g1", version: "2.0.0" },
    refused: `no implementation of greet.GreetService/METHOD for group "g1", version "2.0.0": ${offered}`,
  },
  {
    title: "case counts",
    asked: { group: "G1" },
    refused: `no implementation of greet.GreetService/METHOD for group "G1", no version: ${offered}`,
  },
  { title: "another interface", asked: { interface: "org.example.Greeter" }, answeredBy: "java:" },
  {
    title: "another interface with a group",
    asked: { interface: "org.example.Greeter", group: "g2" },
    answeredBy: "java-g2:",
  },
  {
    title: "a group of the other interface",
    asked: { interface: "org.example.Greeter", group: "g1" },
    refused:
      'no implementation of org.example.Greeter/METHOD for group "g1", no version: offered are no group and no version; group "g2", no version',
  },
  {
    title: "an interface that is offered in one way alone",
    asked: { interface: "org.example.Only" },
    refused:
      'no implementation of org.example.Only/METHOD for no group and no version: offered is group "g", version "2"',
  },
  {
    title: "that way",
    asked: { interface: "org.example.Only", group: "g", version: "2" },
    answeredBy: "only:",
  },
];
