// SPDX-License-Identifier: Apache-2.0

/**
 * Cases of h2spec that may fail, since h2spec follows RFC 7540 and RFC 9113 says otherwise. Each has the id of the case
 * (`http2/5.3.1/1`, or `client/…` for a case of the client), what RFC 7540 said, and the text of RFC 9113 that replaced it.
 * A waiver that is not needed is a failure too.
 *
 * @type {readonly { id: string, rfc7540: string, rfc9113: string }[]}
 */
export const waivers = [];
