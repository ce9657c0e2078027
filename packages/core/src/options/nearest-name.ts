// SPDX-License-Identifier: Apache-2.0

// Any peer may ask: long names are not compared, and the comparisons of letters have a limit.
const longest = 64;
const mostComparisons = 50_000;

/**
 * The one of `names` that `asked` probably means, if one is near enough: at most a third of its letters are wrong, missing, too many
 * or swapped, their case aside; or its last part, behind the dots, equals `asked`.
 */
export function nearestName(asked: string, names: readonly string[]): string | undefined {
  if (asked.length > longest) return undefined;
  const wanted = asked.toLowerCase();
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  let comparisons = 0;
  for (const name of names) {
    const most = Math.max(1, Math.floor(Math.min(name.length, asked.length) / 3));
    if (name.length > longest || Math.abs(name.length - asked.length) > most) continue;
    comparisons += name.length * asked.length;
    if (comparisons > mostComparisons) break;
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance > most || distance >= least) continue;
    nearest = name;
    least = distance;
  }
  if (nearest !== undefined || names.length > mostComparisons / longest) return nearest;
  return names.find((name) => lastPart(name.toLowerCase()) === lastPart(wanted));
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** Letters that have to be inserted, removed, replaced, or swapped with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const least = Math.min(replaced, above[j]! + 1, row[j - 1]! + 1);
      row.push(swapped ? Math.min(least, before[j - 2]! + 1) : least);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}
