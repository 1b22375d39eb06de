import { buildSync } from "esbuild";
import { hoistStrings } from "./hoistStrings.js";

const bundles = new Map<string, string>();

/** Bundles a TypeScript module with all it imports into one script that defines the global `entry`, its exports. */
export function bundle(file: string): string {
  const known = bundles.get(file);
  if (known !== undefined) return known;
  const result = buildSync({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "entry",
    target: "es2022",
    logLevel: "silent",
  });
  const output = result.outputFiles[0];
  if (output === undefined) throw new Error(`esbuild wrote nothing for ${file}.`);
  const script = hoistStrings(output.text);
  bundles.set(file, script);
  return script;
}
