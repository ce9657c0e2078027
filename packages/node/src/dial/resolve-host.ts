// SPDX-License-Identifier: Apache-2.0
import dns from "node:dns";
import { isIP } from "node:net";

/**
 * The IP addresses of a host name, in the order of the attempts: the resolver's order, but with alternating families (RFC 8305 §4),
 * so that one broken family costs one attempt. An IP address gives itself.
 *
 * `dns.lookup` is read at each call: applications replace it.
 */
export function resolveHost(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return Promise.resolve([host]);
  return new Promise((resolve, reject) => {
    // As in `net.connect`: no addresses of a family for which this machine has none.
    const hints = process.platform === "win32" ? 0 : dns.ADDRCONFIG;
    dns.lookup(host, { all: true, hints }, (error, found: unknown) => {
      if (error !== null && error !== undefined) {
        reject(error);
        return;
      }
      const addresses = addressesIn(found);
      if (addresses.length > 0) resolve(alternate(addresses));
      else reject(new Error(`the lookup of ${JSON.stringify(host)} gave no IP address`));
    });
  });
}

/** A replaced `dns.lookup` may ignore `all` and give one address as a string. */
function addressesIn(found: unknown): string[] {
  const list: unknown[] = Array.isArray(found) ? found : [found];
  return list
    .map((each) => (typeof each === "string" ? each : (each as { address?: unknown } | null)?.address))
    .filter((address): address is string => typeof address === "string" && isIP(address) !== 0);
}

function alternate(addresses: readonly string[]): string[] {
  const family = isIP(addresses[0]!);
  const first = addresses.filter((each) => isIP(each) === family);
  const second = addresses.filter((each) => isIP(each) !== family);
  const mixed: string[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++)
    mixed.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  return mixed;
}
