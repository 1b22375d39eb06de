// Runs a TypeScript program of this project: node .config/run.mjs FILE [ARGUMENT]...
// The program runs in this very process, so the terminal, signals and exit codes are its own.
import "./install.mjs";
import { register } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const file = process.argv[2];
if (file === undefined) {
  process.stderr.write("Usage: node .config/run.mjs FILE [ARGUMENT]...\n");
  process.exit(2);
}
process.setSourceMapsEnabled(true);
register("./tsNode.mjs", import.meta.url);
const program = resolve(file);
process.argv.splice(1, 2, program);
await import(pathToFileURL(program).href);
