/** Looks into the chained tables of the NAT, which tell nobody how long their chains are. */

/** What `create` makes, and the words and the heads of chains that it has. */
export function withWords<T>(create: () => T): { made: T; words: Int32Array; heads: Int16Array } {
  const { Int32Array: Whole, Int16Array: Half } = globalThis;
  let words = new Whole(0);
  let heads = new Half(0);
  const watched = <A extends object>(original: new (length: number) => A, seen: (array: A) => void) =>
    new Proxy(original, {
      construct(target, [length]: [number]) {
        const array = new target(length);
        seen(array);
        return array;
      },
    });
  Object.assign(globalThis, {
    Int32Array: watched(Whole, (array) => {
      words = array as typeof words;
    }),
    Int16Array: watched(Half, (array) => {
      heads = array as typeof heads;
    }),
  });
  try {
    return { made: create(), words, heads };
  } finally {
    Object.assign(globalThis, { Int32Array: Whole, Int16Array: Half });
  }
}

/** Entries in the longest chain; `next` is the one behind an entry, negative for none. */
export function longestChain(heads: Int16Array, next: (index: number) => number): number {
  let longest = 0;
  for (const head of heads) {
    let length = 0;
    for (let index = head; index >= 0; index = next(index)) length++;
    longest = Math.max(longest, length);
  }
  return longest;
}
