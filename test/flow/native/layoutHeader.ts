/** Makes `src/flow/layout.h` of `src/flow/layout.ts`: the same constants under the prefix FLOW_, with the same comments. */

const INTRODUCTION = `/*
 * Generated from layout.ts; \`npm test -- flow/layoutHeader -u\` makes it anew.
 */
#ifndef PORTER_FLOW_LAYOUT_H
#define PORTER_FLOW_LAYOUT_H

`;

/** `source` consists of comments and constants that are literals, or it is refused. */
export function layoutHeader(source: string): string {
  return `${INTRODUCTION}${source.trimEnd().split("\n").map(translate).join("\n")}\n\n#endif\n`;
}

function translate(line: string): string {
  const constant = /^export const ([A-Z_]+) = (0x[0-9a-f]+|\d+);$/.exec(line);
  if (constant !== null) return `#define FLOW_${constant[1]} ${constant[2]}`;
  if (/^(\/\*\*| \*|\/\/|$)/.test(line)) return line.replace(/^\/\*\*/, "/*");
  throw new Error(`layout.ts has a line that is neither a comment nor a constant: ${line}`);
}
