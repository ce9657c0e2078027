// SPDX-License-Identifier: Apache-2.0

/** How a literal is represented; each value is the bits that its first byte starts with (RFC 7541 §6.2). */
export const Indexing = {
  /** The field goes into the dynamic table. */
  Incremental: 0x40,
  /** The field stays out: it would drive out others, and not come again. */
  Without: 0x00,
  /** The field stays out, and intermediaries must not index it either: it is secret (RFC 7541 §7.1.3). */
  Never: 0x10,
} as const;

/** One of the values of {@link Indexing}. */
export type Indexing = (typeof Indexing)[keyof typeof Indexing];

/** How the fields of one name are represented. */
export interface IndexingRule {
  /** How those that do not go into the dynamic table are. */
  readonly literal: Exclude<Indexing, typeof Indexing.Incremental>;
  /** The shortest value that goes into the dynamic table; {@link NO_VALUE} if none does. */
  readonly indexedFrom: number;
}

/** A length that no value has. */
export const NO_VALUE = 2 ** 30;

/** The rule for names that are not listed: metadata tends to repeat on a connection. */
export const INDEXED: IndexingRule = { literal: Indexing.Without, indexedFrom: 0 };
/** The rule for secrets. */
export const NEVER_INDEXED: IndexingRule = { literal: Indexing.Never, indexedFrom: NO_VALUE };
const NOT_INDEXED: IndexingRule = { literal: Indexing.Without, indexedFrom: NO_VALUE };

/** The names that are not indexed like all others. */
export const INDEXING_RULES: ReadonlyMap<string, IndexingRule> = new Map<string, IndexingRule>([
  ["authorization", NEVER_INDEXED],
  ["proxy-authorization", NEVER_INDEXED],
  // A short cookie can be guessed through the compressed length (RFC 7541 §7.1), a long one has the entropy not to be.
  ["cookie", { literal: Indexing.Never, indexedFrom: 20 }],
  // As secret as the cookie it sets, and never sent twice.
  ["set-cookie", NEVER_INDEXED],
  // These differ from message to message.
  ["age", NOT_INDEXED],
  ["content-length", NOT_INDEXED],
  ["date", NOT_INDEXED],
  ["etag", NOT_INDEXED],
  ["grpc-message", NOT_INDEXED],
  ["grpc-status-details-bin", NOT_INDEXED],
  ["grpc-timeout", NOT_INDEXED],
  ["if-match", NOT_INDEXED],
  ["if-modified-since", NOT_INDEXED],
  ["if-none-match", NOT_INDEXED],
  ["if-range", NOT_INDEXED],
  ["if-unmodified-since", NOT_INDEXED],
  ["location", NOT_INDEXED],
  ["traceparent", NOT_INDEXED],
  ["tracestate", NOT_INDEXED],
  ["x-request-id", NOT_INDEXED],
]);
