import { buildSync } from "esbuild";
import { hoistStrings } from "../hoistStrings.js";

/** Bundles a TypeScript module with all it imports into one script that defines the global `entry`, its exports. */
export function bundle(file: string): string {
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
  return hoistStrings(output.text);
}
